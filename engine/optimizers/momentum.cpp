// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "engine/optimizers/optimizer.hpp"
#include "engine/optimizers/stability_limit.hpp"

namespace plumbline::optimizers {

namespace {

// Heavy ball: v <- mu v - lr g, w <- w + v, equations 1 and 2 of Sutskever et al. (ICML 2013).
// The learning rate is inside the velocity, so a schedule acts on new gradients alone; the variant
// v <- mu v + g, w <- w - lr v is the same while lr is constant.
template <typename T>
class Momentum final : public Optimizer<T>, public HasStabilityLimit<T> {
 public:
  Momentum(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 0.1, kPositive, "learning rate")),
        momentum_(settings.number("momentum", 0.9, kDecay, "mu, the share of velocity kept")),
        velocity_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const Batch<T> lr(static_cast<T>(lr_ * context.schedule_factor));
    const Batch<T> mu(static_cast<T>(momentum_));
    for_each_batch(
        parameters.size(),
        [lr, mu](auto& w, const auto& g, auto& v) {
          v = mu * v - lr * g;
          w += v;
        },
        parameters.data(), gradient.data(), velocity_.data());
  }
  StabilityLimit stability_limit(std::span<const T> /*gradient*/,
                                 const StepContext<T>& context) const override {
    return {2 * (1 + momentum_) / (lr_ * context.schedule_factor), {}};
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

OptimizerEntry momentum() {
  return optimizer_entry<Momentum>({
      .summary = "Gradient descent with a heavy ball's momentum.",
      .formula = "v <- momentum v - lr g; w <- w + v",
      .paper = "Polyak, Some methods of speeding up the convergence of iteration methods, 1964, "
               "doi:10.1016/0041-5553(64)90137-5; Sutskever, Martens, Dahl & Hinton, ICML 2013",
  });
}

}  // namespace plumbline::optimizers
