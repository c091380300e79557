// SPDX-License-Identifier: Apache-2.0
#include "engine/optimizers/optimizer.hpp"
#include "engine/optimizers/stability_limit.hpp"

namespace plumbline::optimizers {

namespace {

// w <- w - lr g.
template <typename T>
class Sgd final : public Optimizer<T>, public HasStabilityLimit<T> {
 public:
  Sgd(Settings& settings, const ParameterLayout& /*layout*/)
      : lr_(settings.number("lr", 0.1, kPositive, "learning rate")) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const Batch<T> lr(static_cast<T>(lr_ * context.schedule_factor));
    for_each_batch(
        parameters.size(), [lr](auto& w, const auto& g) { w -= lr * g; }, parameters.data(),
        gradient.data());
  }
  StabilityLimit stability_limit(std::span<const T> /*gradient*/,
                                 const StepContext<T>& context) const override {
    return {2 / (lr_ * context.schedule_factor), {}};
  }
  void archive(StateArchive& /*kept*/) override {}
  std::size_t state_size() const override { return 0; }

 private:
  double lr_;
};

}  // namespace

OptimizerEntry sgd() {
  return optimizer_entry<Sgd>({
      .summary = "Stochastic gradient descent.",
      .formula = "w <- w - lr g",
      .paper = "Robbins & Monro, A stochastic approximation method, Annals of Mathematical "
               "Statistics 22, 1951, doi:10.1214/aoms/1177729586",
  });
}

}  // namespace plumbline::optimizers
