// SPDX-License-Identifier: Apache-2.0
#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// w <- w - lr sign(g), with sign(0) = 0: Algorithm 1 of the paper.
template <typename T>
class SignSgd final : public Optimizer<T> {
 public:
  SignSgd(Settings& settings, const ParameterLayout& /*layout*/)
      : lr_(settings.number("lr", 1e-3, kPositive, "learning rate")) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto lr = constant<Batch<T>>(lr_ * context.schedule_factor);
    for_each_batch(
        parameters.size(), [lr](auto& w, const auto& g) { w -= lr * xsimd::sign(g); },
        parameters.data(), gradient.data());
  }
  void archive(StateArchive& /*kept*/) override {}
  std::size_t state_size() const override { return 0; }

 private:
  double lr_;
};

}  // namespace

OptimizerEntry signsgd() {
  return optimizer_entry<SignSgd>({
      .summary = "Steps of lr in each weight, against the sign of its gradient.",
      .formula = "w <- w - lr sign(g)",
      .paper =
          "Bernstein, Wang, Azizzadenesheli & Anandkumar, signSGD: compressed optimisation for "
          "non-convex problems, ICML 2018, arXiv:1802.04434, Algorithm 1",
  });
}

}  // namespace plumbline::optimizers
