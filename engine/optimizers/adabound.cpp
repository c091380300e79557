// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// AdaBound: Adam whose step sizes are clipped between two bounds that close in on final_lr, so that
// it ends as gradient descent with momentum.
//   m <- beta1 m + (1 - beta1) g        v <- beta2 v + (1 - beta2) g^2
//   lower = final_lr (1 - 1 / (gamma t + 1))        upper = final_lr (1 + 1 / (gamma t))
//   with bias_correction, as the authors released it:
//     w <- w - clip(lr sqrt(1 - beta2^t) / (1 - beta1^t) / (sqrt(v) + epsilon), lower, upper) m
//   without it, as Algorithm 2 prints it (with epsilon, which the paper lacks):
//     w <- w - clip(lr / (sqrt(v) + epsilon), lower, upper) m / sqrt(t)
// A schedule multiplies lr and final_lr.
template <typename T>
class AdaBound final : public Optimizer<T> {
 public:
  AdaBound(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-3, kPositive, "learning rate of the start")),
        final_lr_(settings.number("final_lr", 0.1, kPositive, "learning rate of the end")),
        gamma_(settings.number("gamma", 1e-3, kPositive, "how fast the bounds close in")),
        beta1_(settings.number("beta1", 0.9, kDecay, "decay rate of the mean of gradients")),
        beta2_(settings.number("beta2", 0.999, kDecay, "decay rate of the mean of squares")),
        epsilon_(settings.number("epsilon", 1e-8, kPositive, "keeps the quotient finite")),
        bias_correction_(settings.flag(
            "bias_correction", true, "as the authors' code: correct the means, and no 1/sqrt(t)")),
        m_(layout.size()),
        v_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto t = static_cast<double>(context.step);
    const double f = context.schedule_factor;
    const double correction =
        bias_correction_ ? std::sqrt(1 - std::pow(beta2_, t)) / (1 - std::pow(beta1_, t)) : 1;
    const auto beta1 = constant<Batch<T>>(beta1_);
    const auto beta2 = constant<Batch<T>>(beta2_);
    const auto rest1 = constant<Batch<T>>(1 - beta1_);
    const auto rest2 = constant<Batch<T>>(1 - beta2_);
    const auto lr = constant<Batch<T>>(lr_ * f * correction);
    const auto lower = constant<Batch<T>>(final_lr_ * f * (1 - 1 / (gamma_ * t + 1)));
    const auto upper = constant<Batch<T>>(final_lr_ * f * (1 + 1 / (gamma_ * t)));
    const auto slowing = constant<Batch<T>>(bias_correction_ ? 1 : 1 / std::sqrt(t));
    const auto epsilon = constant<Batch<T>>(epsilon_);
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& m, auto& v) {
          m = beta1 * m + rest1 * g;
          v = beta2 * v + rest2 * g * g;
          const auto size = lr / (xsimd::sqrt(v) + epsilon);
          const auto clipped =
              xsimd::select(size < lower, lower, xsimd::select(size > upper, upper, size));
          w -= slowing * clipped * m;
        },
        parameters.data(), gradient.data(), m_.data(), v_.data());
  }
  std::vector<StateBlock> state() const override { return {{"m", m_}, {"v", v_}}; }
  void archive(StateArchive& kept) override { kept(m_, v_); }
  std::size_t state_size() const override { return m_.size() + v_.size(); }

 private:
  double lr_;
  double final_lr_;
  double gamma_;
  double beta1_;
  double beta2_;
  double epsilon_;
  bool bias_correction_;
  std::vector<T> m_;
  std::vector<T> v_;
};

}  // namespace

OptimizerEntry adabound() {
  return optimizer_entry<AdaBound>({
      .summary = "Adam at first, gradient descent with momentum at last.",
      .formula = "w <- w - clip(lr sqrt(1 - beta2^t) / (1 - beta1^t) / (sqrt(v) + epsilon), "
                 "final_lr (1 - 1 / (gamma t + 1)), final_lr (1 + 1 / (gamma t))) m, with m and v "
                 "of Adam",
      .paper = "Luo, Xiong, Liu & Sun, Adaptive gradient methods with dynamic bound of learning "
               "rate, ICLR 2019, arXiv:1902.09843, Algorithm 2",
  });
}

}  // namespace plumbline::optimizers
