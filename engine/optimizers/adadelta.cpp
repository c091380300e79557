// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// AdaDelta, Algorithm 1 of the paper: the gradient over its own root mean square, times that of the
// steps so far, so that a step has the unit of a parameter:
//   v <- rho v + (1 - rho) g^2        d = g sqrt(u + epsilon) / sqrt(v + epsilon)
//   u <- rho u + (1 - rho) d^2        w <- w - lr d
// epsilon is inside both roots. lr = 1 is the paper; u averages the steps before lr, as in PyTorch.
template <typename T>
class AdaDelta final : public Optimizer<T> {
 public:
  AdaDelta(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1, kPositive, "multiplies the step; the paper has none")),
        rho_(settings.number("rho", 0.95, kDecay, "decay rate of both means of squares")),
        epsilon_(settings.number("epsilon", 1e-6, kPositive, "starts the steps off")),
        v_(layout.size()),
        u_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto lr = constant<Batch<T>>(lr_ * context.schedule_factor);
    const auto rho = constant<Batch<T>>(rho_);
    const auto rest = constant<Batch<T>>(1 - rho_);
    const auto epsilon = constant<Batch<T>>(epsilon_);
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& v, auto& u) {
          v = rho * v + rest * g * g;
          const auto d = g * xsimd::sqrt(u + epsilon) / xsimd::sqrt(v + epsilon);
          u = rho * u + rest * d * d;
          w -= lr * d;
        },
        parameters.data(), gradient.data(), v_.data(), u_.data());
  }
  std::vector<StateBlock> state() const override { return {{"v", v_}, {"u", u_}}; }
  void archive(StateArchive& kept) override { kept(v_, u_); }
  std::size_t state_size() const override { return v_.size() + u_.size(); }

 private:
  double lr_;
  double rho_;
  double epsilon_;
  std::vector<T> v_;
  std::vector<T> u_;
};

}  // namespace

OptimizerEntry adadelta() {
  return optimizer_entry<AdaDelta>({
      .summary = "Steps in the unit of the parameters, without a learning rate to tune.",
      .formula = "v <- rho v + (1 - rho) g^2; d = g sqrt(u + epsilon) / sqrt(v + epsilon); u <- "
                 "rho u + (1 - rho) d^2; w <- w - lr d",
      .paper = "Zeiler, ADADELTA: an adaptive learning rate method, 2012, arXiv:1212.5701, "
               "Algorithm 1",
  });
}

}  // namespace plumbline::optimizers
