// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "engine/optimizers/optimizer.hpp"
#include "engine/optimizers/stability_limit.hpp"

namespace plumbline::optimizers {

namespace {

// Adam, Algorithm 1 of the paper:
//   m <- beta1 m + (1 - beta1) g          m_hat = m / (1 - beta1^t)
//   v <- beta2 v + (1 - beta2) g^2        v_hat = v / (1 - beta2^t)
//   w <- w - lr m_hat / (sqrt(v_hat) + epsilon)
// with epsilon outside the root and after the correction, unlike the form of section 2 that moves
// the corrections into lr. t counts updates of the whole net.
template <typename T>
class Adam final : public Optimizer<T>, public HasStabilityLimit<T> {
 public:
  Adam(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-3, kPositive, "learning rate")),
        beta1_(settings.number("beta1", 0.9, kDecay, "decay rate of the mean of gradients")),
        beta2_(settings.number("beta2", 0.999, kDecay, "decay rate of the mean of squares")),
        epsilon_(settings.number("epsilon", 1e-8, kPositive, "keeps the quotient finite")),
        m_(layout.size()),
        v_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto t = static_cast<double>(context.step);
    const double lr = lr_ * context.schedule_factor;
    const Batch<T> beta1(static_cast<T>(beta1_));
    const Batch<T> beta2(static_cast<T>(beta2_));
    const Batch<T> rest1(static_cast<T>(1 - beta1_));
    const Batch<T> rest2(static_cast<T>(1 - beta2_));
    // The corrections of the papers' hats as factors, so that an element costs one division.
    const Batch<T> step_size(static_cast<T>(lr / (1 - std::pow(beta1_, t))));
    const Batch<T> correction2(static_cast<T>(1 / std::sqrt(1 - std::pow(beta2_, t))));
    const Batch<T> epsilon(static_cast<T>(epsilon_));
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& m, auto& v) {
          m = beta1 * m + rest1 * g;
          v = beta2 * v + rest2 * g * g;
          w -= step_size * m / (xsimd::sqrt(v) * correction2 + epsilon);
        },
        parameters.data(), gradient.data(), m_.data(), v_.data());
  }
  // With P as it is, heavy ball with (1 - beta1) g in the place of g; m's correction is a part of P.
  StabilityLimit stability_limit(std::span<const T> gradient,
                                 const StepContext<T>& context) const override {
    const auto t = static_cast<double>(context.step);
    const RootOfSquares p{.decay = beta2_,
                          .correction = 1 / (1 - std::pow(beta2_, t)),
                          .outside = epsilon_,
                          .factor = 1 - std::pow(beta1_, t)};
    return {2 * (1 + beta1_) / ((1 - beta1_) * lr_ * context.schedule_factor),
            p.diagonal<T>(gradient, v_)};
  }
  std::vector<StateBlock> state() const override { return {{"m", m_}, {"v", v_}}; }
  void archive(StateArchive& kept) override { kept(m_, v_); }
  std::size_t state_size() const override { return m_.size() + v_.size(); }

 private:
  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
  std::vector<T> m_;
  std::vector<T> v_;
};

}  // namespace

OptimizerEntry adam() {
  return optimizer_entry<Adam>({
      .summary = "Steps of about lr in each weight: mean of gradients over root of mean square.",
      .formula =
          "m <- beta1 m + (1 - beta1) g; v <- beta2 v + (1 - beta2) g^2; w <- w - lr (m / (1 "
          "- beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)",
      .paper = "Kingma & Ba, Adam: a method for stochastic optimization, ICLR 2015, "
               "arXiv:1412.6980, Algorithm 1",
  });
}

}  // namespace plumbline::optimizers
