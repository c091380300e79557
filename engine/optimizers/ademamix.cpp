// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// AdEMAMix, Algorithm 1 of the paper: AdamW with a second, much slower mean of gradients beside the
// first.
//   m1 <- beta1 m1 + (1 - beta1) g        m1_hat = m1 / (1 - beta1^t)
//   m2 <- beta3 m2 + (1 - beta3) g        not corrected
//   v  <- beta2 v + (1 - beta2) g^2       v_hat = v / (1 - beta2^t)
//   w  <- w - lr ((m1_hat + alpha m2) / (sqrt(v_hat) + epsilon) + weight_decay w)
// Over the first T = warmup_steps steps (T_alpha = T_beta3 of the paper; 0 for none) alpha rises
// linearly, and beta3 from beta1 so that the half-life of m2 does:
//   alpha_t = min(alpha t / T, alpha)
//   beta3_t = min(exp(ln beta1 ln beta3 / ((1 - t/T) ln beta3 + t/T ln beta1)), beta3)
template <typename T>
class AdEMAMix final : public Optimizer<T> {
 public:
  AdEMAMix(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-3, kPositive, "learning rate")),
        beta1_(settings.number("beta1", 0.9, kDecay, "decay rate of the fast mean")),
        beta2_(settings.number("beta2", 0.999, kDecay, "decay rate of the mean of squares")),
        beta3_(settings.number("beta3", 0.9999, kDecay, "decay rate of the slow mean")),
        alpha_(settings.number("alpha", 5, kNonNegative, "weight of the slow mean")),
        epsilon_(settings.number("epsilon", 1e-8, kPositive, "keeps the quotient finite")),
        weight_decay_(settings.number("weight_decay", 0, kNonNegative,
                                      "lambda of the decoupled decay, times lr")),
        warmup_steps_(static_cast<double>(
            settings.integer("warmup_steps", 0, kNonNegative, "steps over which alpha rises"))),
        m1_(layout.size()),
        m2_(layout.size()),
        v_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto t = static_cast<double>(context.step);
    const double lr_now = lr_ * context.schedule_factor;
    const double beta3_now = beta3_at(t);
    const auto lr = constant<Batch<T>>(lr_now);
    const auto decay = constant<Batch<T>>(lr_now * weight_decay_);
    const auto beta1 = constant<Batch<T>>(beta1_);
    const auto beta2 = constant<Batch<T>>(beta2_);
    const auto beta3 = constant<Batch<T>>(beta3_now);
    const auto rest1 = constant<Batch<T>>(1 - beta1_);
    const auto rest2 = constant<Batch<T>>(1 - beta2_);
    const auto rest3 = constant<Batch<T>>(1 - beta3_now);
    const auto correction1 = constant<Batch<T>>(1 / (1 - std::pow(beta1_, t)));
    const auto correction2 = constant<Batch<T>>(1 / std::sqrt(1 - std::pow(beta2_, t)));
    const auto alpha = constant<Batch<T>>(t < warmup_steps_ ? alpha_ * t / warmup_steps_ : alpha_);
    const auto epsilon = constant<Batch<T>>(epsilon_);
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& m1, auto& m2, auto& v) {
          m1 = beta1 * m1 + rest1 * g;
          m2 = beta3 * m2 + rest3 * g;
          v = beta2 * v + rest2 * g * g;
          const auto divisor = xsimd::sqrt(v) * correction2 + epsilon;
          w -= lr * (correction1 * m1 + alpha * m2) / divisor + decay * w;
        },
        parameters.data(), gradient.data(), m1_.data(), m2_.data(), v_.data());
  }
  std::vector<StateBlock> state() const override { return {{"m1", m1_}, {"m2", m2_}, {"v", v_}}; }
  void archive(StateArchive& kept) override { kept(m1_, m2_, v_); }
  std::size_t state_size() const override { return m1_.size() + m2_.size() + v_.size(); }

 private:
  // The paper's fraction divided through by ln beta1, which may be -infinity.
  double beta3_at(double t) const {
    if (t >= warmup_steps_ || beta3_ <= beta1_) return beta3_;
    const double share = t / warmup_steps_;
    const double log3 = std::log(beta3_);
    return std::min(std::exp(log3 / ((1 - share) * (log3 / std::log(beta1_)) + share)), beta3_);
  }

  double lr_;
  double beta1_;
  double beta2_;
  double beta3_;
  double alpha_;
  double epsilon_;
  double weight_decay_;
  double warmup_steps_;
  std::vector<T> m1_;
  std::vector<T> m2_;
  std::vector<T> v_;
};

}  // namespace

OptimizerEntry ademamix() {
  return optimizer_entry<AdEMAMix>({
      .summary = "AdamW with a second, very slow mean of gradients.",
      .formula =
          "m1 <- beta1 m1 + (1 - beta1) g; m2 <- beta3 m2 + (1 - beta3) g; v <- beta2 v + (1 "
          "- beta2) g^2; w <- w - lr ((m1 / (1 - beta1^t) + alpha m2) / (sqrt(v / (1 - "
          "beta2^t)) + epsilon) + weight_decay w)",
      .paper =
          "Pagliardini, Ablin & Grangier, The AdEMAMix optimizer: better, faster, older, 2024, "
          "arXiv:2409.03137, Algorithm 1",
  });
}

}  // namespace plumbline::optimizers
