// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "engine/optimizers/optimizer.hpp"
#include "engine/optimizers/stability_limit.hpp"

namespace plumbline::optimizers {

namespace {

// Nesterov's accelerated gradient in the form of Sutskever et al., equations 3 and 4,
//   v <- mu v - lr grad L(theta + mu v)        theta <- theta + v
// written for the point w = theta + mu v where the gradient g is taken and which the net holds:
//   v <- mu v - lr g                           w <- w + mu v - lr g
// The learning rate is inside the velocity, so a schedule acts on new gradients alone; the variant
// v <- mu v + g, w <- w - lr (g + mu v) is the same while lr is constant.
template <typename T>
class Nesterov final : public Optimizer<T>, public HasStabilityLimit<T> {
 public:
  Nesterov(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 0.1, kPositive, "learning rate")),
        momentum_(settings.number("momentum", 0.9, kDecay, "mu, the share of velocity kept")),
        velocity_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto lr = constant<Batch<T>>(lr_ * context.schedule_factor);
    const auto mu = constant<Batch<T>>(momentum_);
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& v) {
          v = mu * v - lr * g;
          w += mu * v - lr * g;
        },
        parameters.data(), gradient.data(), velocity_.data());
  }
  StabilityLimit stability_limit(std::span<const T> /*gradient*/,
                                 const StepContext<T>& context) const override {
    return {2 * (1 + momentum_) / ((1 + 2 * momentum_) * lr_ * context.schedule_factor), {}};
  }
  std::vector<StateBlock> state() const override { return {{"v", velocity_}}; }
  void archive(StateArchive& kept) override { kept(velocity_); }
  std::size_t state_size() const override { return velocity_.size(); }

 private:
  double lr_;
  double momentum_;
  std::vector<T> velocity_;
};

}  // namespace

OptimizerEntry nesterov() {
  return optimizer_entry<Nesterov>({
      .summary = "Momentum whose gradient is taken where the velocity is about to lead.",
      .formula = "v <- momentum v - lr g; w <- w + momentum v - lr g",
      .paper = "Nesterov, A method for solving the convex programming problem with convergence "
               "rate O(1/k^2), Doklady 269, 1983; Sutskever, Martens, Dahl & Hinton, On the "
               "importance of initialization and momentum in deep learning, ICML 2013, equations "
               "3 and 4",
  });
}

}  // namespace plumbline::optimizers
