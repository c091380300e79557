// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// Yogi, Algorithm 2 of the paper: v changes by amounts of the order of g^2 in both directions,
// where Adam's v forgets fast once gradients become small.
//   m <- beta1 m + (1 - beta1) g
//   v <- v - (1 - beta2) sign(v - g^2) g^2
//   w <- w - lr m / (sqrt(v) + epsilon)
// v starts at initial_accumulator. The paper corrects no bias; with bias_correction m is divided by
// 1 - beta1^t and v by 1 - beta2^t.
template <typename T>
class Yogi final : public Optimizer<T> {
 public:
  Yogi(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-2, kPositive, "learning rate")),
        beta1_(settings.number("beta1", 0.9, kDecay, "decay rate of the mean of gradients")),
        beta2_(settings.number("beta2", 0.999, kDecay, "1 less the share of a square in v")),
        epsilon_(settings.number("epsilon", 1e-3, kPositive, "keeps the quotient finite")),
        bias_correction_(settings.flag("bias_correction", false, "correct m and v as Adam does")),
        m_(layout.size()),
        v_(layout.size(), static_cast<T>(settings.number("initial_accumulator", 1e-6, kNonNegative,
                                                         "where v starts"))) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto t = static_cast<double>(context.step);
    const double bias1 = bias_correction_ ? 1 - std::pow(beta1_, t) : 1;
    const double bias2 = bias_correction_ ? 1 - std::pow(beta2_, t) : 1;
    const auto beta1 = constant<Batch<T>>(beta1_);
    const auto rest1 = constant<Batch<T>>(1 - beta1_);
    const auto rest2 = constant<Batch<T>>(1 - beta2_);
    const auto step_size = constant<Batch<T>>(lr_ * context.schedule_factor / bias1);
    const auto correction2 = constant<Batch<T>>(1 / std::sqrt(bias2));
    const auto epsilon = constant<Batch<T>>(epsilon_);
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& m, auto& v) {
          m = beta1 * m + rest1 * g;
          v -= rest2 * xsimd::sign(v - g * g) * g * g;
          w -= step_size * m / (xsimd::sqrt(v) * correction2 + epsilon);
        },
        parameters.data(), gradient.data(), m_.data(), v_.data());
  }
  std::vector<StateBlock> state() const override { return {{"m", m_}, {"v", v_}}; }
  void archive(StateArchive& kept) override { kept(m_, v_); }
  std::size_t state_size() const override { return m_.size() + v_.size(); }

 private:
  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
  bool bias_correction_;
  std::vector<T> m_;
  std::vector<T> v_;
};

}  // namespace

OptimizerEntry yogi() {
  return optimizer_entry<Yogi>({
      .summary = "Adam whose second moment moves by additions and forgets slowly.",
      .formula = "m <- beta1 m + (1 - beta1) g; v <- v - (1 - beta2) sign(v - g^2) g^2; w <- w - "
                 "lr m / (sqrt(v) + epsilon)",
      .paper = "Zaheer, Reddi, Sachan, Kale & Kumar, Adaptive methods for nonconvex optimization, "
               "NeurIPS 2018, Algorithm 2",
  });
}

}  // namespace plumbline::optimizers
