// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// Adan, Algorithm 1 of the paper: Nesterov's momentum from gradients and their differences. The
// betas are the weights of what is new, as the paper has them (libraries' betas are 1 less these).
//   d = g - g_last        m <- (1 - beta1) m + beta1 g        v <- (1 - beta2) v + beta2 d
//   n <- (1 - beta3) n + beta3 (g + (1 - beta2) d)^2          eta = lr / (sqrt(n) + epsilon)
//   w <- (w - eta (m + (1 - beta2) v)) / (1 + weight_decay lr)
// m starts at the first gradient and n at its square, v at the first difference, with the second
// gradient; nothing is corrected for bias, and the decay is a proximal step.
template <typename T>
class Adan final : public Optimizer<T> {
 public:
  Adan(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-3, kPositive, "learning rate")),
        beta1_(settings.number("beta1", 0.02, kWeight, "weight of a new gradient in the mean")),
        beta2_(settings.number("beta2", 0.08, kWeight, "weight of a new difference")),
        beta3_(settings.number("beta3", 0.01, kWeight, "weight of a new square")),
        epsilon_(settings.number("epsilon", 1e-8, kPositive, "keeps the quotient finite")),
        weight_decay_(settings.number("weight_decay", 0.02, kNonNegative, "lambda of the paper")),
        last_gradient_(layout.size()),
        m_(layout.size()),
        v_(layout.size()),
        n_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    // With the first gradient in these, the update below leaves m and n as they are, and v at zero.
    if (steps_ == 0) {
      std::ranges::copy(gradient, last_gradient_.begin());
      std::ranges::copy(gradient, m_.begin());
      std::ranges::transform(gradient, n_.begin(), [](T g) { return g * g; });
    }
    const double lr_now = lr_ * context.schedule_factor;
    const auto lr = constant<Batch<T>>(lr_now);
    const auto beta1 = constant<Batch<T>>(beta1_);
    // v_1 = g_1 - g_0, counted from 0 as the paper does.
    const double beta2_now = ++steps_ == 2 ? 1 : beta2_;
    const auto beta2 = constant<Batch<T>>(beta2_now);
    const auto kept2 = constant<Batch<T>>(1 - beta2_now);
    const auto beta3 = constant<Batch<T>>(beta3_);
    const auto rest1 = constant<Batch<T>>(1 - beta1_);
    const auto rest2 = constant<Batch<T>>(1 - beta2_);
    const auto rest3 = constant<Batch<T>>(1 - beta3_);
    const auto epsilon = constant<Batch<T>>(epsilon_);
    const auto shrink = constant<Batch<T>>(1 + weight_decay_ * lr_now);
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& last, auto& m, auto& v, auto& n) {
          const auto d = g - last;
          const auto ahead = g + rest2 * d;
          m = rest1 * m + beta1 * g;
          v = kept2 * v + beta2 * d;
          n = rest3 * n + beta3 * ahead * ahead;
          w = (w - lr * (m + rest2 * v) / (xsimd::sqrt(n) + epsilon)) / shrink;
          last = g;
        },
        parameters.data(), gradient.data(), last_gradient_.data(), m_.data(), v_.data(), n_.data());
  }
  std::vector<StateBlock> state() const override {
    return {{"g_last", last_gradient_}, {"m", m_}, {"v", v_}, {"n", n_}};
  }
  void archive(StateArchive& kept) override { kept(steps_, last_gradient_, m_, v_, n_); }
  std::size_t state_size() const override { return 4 * m_.size(); }

 private:
  static constexpr Range kWeight{.low = 0, .high = 1, .low_included = false};

  double lr_;
  double beta1_;
  double beta2_;
  double beta3_;
  double epsilon_;
  double weight_decay_;
  std::int64_t steps_ = 0;
  std::vector<T> last_gradient_;
  std::vector<T> m_;
  std::vector<T> v_;
  std::vector<T> n_;
};

}  // namespace

OptimizerEntry adan() {
  return optimizer_entry<Adan>({
      .summary = "Nesterov's momentum from gradients and their differences, with Adam's division.",
      .formula =
          "d = g - g_last; m <- (1 - beta1) m + beta1 g; v <- (1 - beta2) v + beta2 d; n <- (1 - "
          "beta3) n + beta3 (g + (1 - beta2) d)^2; w <- (w - lr (m + (1 - beta2) v) / (sqrt(n) + "
          "epsilon)) / (1 + weight_decay lr)",
      .paper = "Xie, Zhou, Li, Lin & Yan, Adan: adaptive Nesterov momentum algorithm for faster "
               "optimizing deep models, 2022, arXiv:2208.06677, Algorithm 1",
  });
}

}  // namespace plumbline::optimizers
