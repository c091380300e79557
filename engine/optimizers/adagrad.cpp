// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// AdaGrad with diagonal matrices, the paper's Figure 1, without projection or regularizer:
//   v <- v + g^2        w <- w - lr g / (sqrt(v) + epsilon)
// v starts at initial_accumulator. epsilon is the paper's delta, outside the root.
template <typename T>
class AdaGrad final : public Optimizer<T> {
 public:
  AdaGrad(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-2, kPositive, "learning rate")),
        epsilon_(settings.number("epsilon", 1e-10, kPositive, "keeps the quotient finite")),
        v_(layout.size(), static_cast<T>(settings.number("initial_accumulator", 0, kNonNegative,
                                                         "where the sum of squares starts"))) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto lr = constant<Batch<T>>(lr_ * context.schedule_factor);
    const auto epsilon = constant<Batch<T>>(epsilon_);
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& v) {
          v += g * g;
          w -= lr * g / (xsimd::sqrt(v) + epsilon);
        },
        parameters.data(), gradient.data(), v_.data());
  }
  std::vector<StateBlock> state() const override { return {{"v", v_}}; }
  void archive(StateArchive& kept) override { kept(v_); }
  std::size_t state_size() const override { return v_.size(); }

 private:
  double lr_;
  double epsilon_;
  std::vector<T> v_;
};

}  // namespace

OptimizerEntry adagrad() {
  return optimizer_entry<AdaGrad>({
      .summary = "Gradient over the root of the sum of all its squares so far.",
      .formula = "v <- v + g^2; w <- w - lr g / (sqrt(v) + epsilon)",
      .paper = "Duchi, Hazan & Singer, Adaptive subgradient methods for online learning and "
               "stochastic optimization, JMLR 12, 2011",
  });
}

}  // namespace plumbline::optimizers
