// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// Lion, Algorithm 2 of the paper: the sign of a mean in which the newest gradient weighs more than
// in the mean that is kept.
//   w <- w - lr (sign(beta1 m + (1 - beta1) g) + weight_decay w)
//   m <- beta2 m + (1 - beta2) g
// sign(0) = 0.
template <typename T>
class Lion final : public Optimizer<T> {
 public:
  Lion(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-4, kPositive, "learning rate")),
        beta1_(settings.number("beta1", 0.9, kDecay, "share of the mean in the step")),
        beta2_(settings.number("beta2", 0.99, kDecay, "decay rate of the mean of gradients")),
        weight_decay_(settings.number("weight_decay", 0, kNonNegative,
                                      "lambda of the decoupled decay, times lr")),
        m_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const double lr_now = lr_ * context.schedule_factor;
    const auto lr = constant<Batch<T>>(lr_now);
    const auto decay = constant<Batch<T>>(lr_now * weight_decay_);
    const auto beta1 = constant<Batch<T>>(beta1_);
    const auto beta2 = constant<Batch<T>>(beta2_);
    const auto rest1 = constant<Batch<T>>(1 - beta1_);
    const auto rest2 = constant<Batch<T>>(1 - beta2_);
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& m) {
          w -= lr * xsimd::sign(beta1 * m + rest1 * g) + decay * w;
          m = beta2 * m + rest2 * g;
        },
        parameters.data(), gradient.data(), m_.data());
  }
  std::vector<StateBlock> state() const override { return {{"m", m_}}; }
  void archive(StateArchive& kept) override { kept(m_); }
  std::size_t state_size() const override { return m_.size(); }

 private:
  double lr_;
  double beta1_;
  double beta2_;
  double weight_decay_;
  std::vector<T> m_;
};

}  // namespace

OptimizerEntry lion() {
  return optimizer_entry<Lion>({
      .summary = "Steps of lr in each weight, by the sign of a mean of gradients.",
      .formula = "w <- w - lr (sign(beta1 m + (1 - beta1) g) + weight_decay w); m <- beta2 m + (1 "
                 "- beta2) g",
      .paper = "Chen, Liang, Huang, Real, Wang, Liu, Pham, Dong, Luong, Hsieh, Lu & Le, Symbolic "
               "discovery of optimization algorithms, NeurIPS 2023, arXiv:2302.06675, Algorithm 2",
  });
}

}  // namespace plumbline::optimizers
