// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// ADOPT, Algorithm 2 of the paper: each gradient is divided by the second moment of those before
// it, and only then averaged. The first gradient sets v = g^2 and moves nothing. Then, with t = 1
// at the second gradient,
//   m <- beta1 m + (1 - beta1) clip(g / max(sqrt(v), epsilon), -c, c), c = t^(1/4)
//   w <- w - lr m        v <- beta2 v + (1 - beta2) g^2
// Without `clip` it is Algorithm 1 with the momentum after the division.
template <typename T>
class Adopt final : public Optimizer<T> {
 public:
  Adopt(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-3, kPositive, "learning rate")),
        beta1_(settings.number("beta1", 0.9, kDecay, "decay rate of the mean of gradients")),
        beta2_(settings.number("beta2", 0.9999, kDecay, "decay rate of the mean of squares")),
        epsilon_(settings.number("epsilon", 1e-6, kPositive, "least divisor")),
        clip_(settings.flag("clip", true, "clip the divided gradient at t^(1/4)")),
        m_(layout.size()),
        v_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    if (!started_) {
      for (std::size_t i = 0; i < v_.size(); ++i) v_[i] = gradient[i] * gradient[i];
      started_ = true;
      return;
    }
    const auto t = static_cast<double>(context.step - 1);
    const auto lr = constant<Batch<T>>(lr_ * context.schedule_factor);
    const auto beta1 = constant<Batch<T>>(beta1_);
    const auto beta2 = constant<Batch<T>>(beta2_);
    const auto rest1 = constant<Batch<T>>(1 - beta1_);
    const auto rest2 = constant<Batch<T>>(1 - beta2_);
    const auto epsilon = constant<Batch<T>>(epsilon_);
    const auto c =
        constant<Batch<T>>(clip_ ? std::pow(t, 0.25) : std::numeric_limits<double>::infinity());
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& m, auto& v) {
          // Selections, so that NaN comes through.
          const auto root = xsimd::sqrt(v);
          const auto divided = g / xsimd::select(root < epsilon, epsilon, root);
          const auto clipped =
              xsimd::select(divided > c, c, xsimd::select(divided < -c, -c, divided));
          m = beta1 * m + rest1 * clipped;
          w -= lr * m;
          v = beta2 * v + rest2 * g * g;
        },
        parameters.data(), gradient.data(), m_.data(), v_.data());
  }
  std::vector<StateBlock> state() const override { return {{"m", m_}, {"v", v_}}; }
  void archive(StateArchive& kept) override { kept(started_, m_, v_); }
  std::size_t state_size() const override { return m_.size() + v_.size(); }

 private:
  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
  bool clip_;
  bool started_ = false;
  std::vector<T> m_;
  std::vector<T> v_;
};

}  // namespace

OptimizerEntry adopt() {
  return optimizer_entry<Adopt>({
      .summary = "Adam that divides each gradient by the second moment of those before it.",
      .formula = "m <- beta1 m + (1 - beta1) clip(g / max(sqrt(v), epsilon), -t^(1/4), t^(1/4)); w "
                 "<- w - lr m; v <- beta2 v + (1 - beta2) g^2; the first gradient sets v = g^2",
      .paper = "Taniguchi, Harada, Minegishi, Oshima, Jeong, Nagahara, Iiyama, Suzuki, Iwasawa & "
               "Matsuo, ADOPT: modified Adam can converge with any beta2 with the optimal rate, "
               "NeurIPS 2024, arXiv:2411.02853, Algorithm 2",
  });
}

}  // namespace plumbline::optimizers
