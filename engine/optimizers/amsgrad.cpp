// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// Adam with a second moment that never falls, Algorithm 2 of the paper:
//   m <- beta1 m + (1 - beta1) g        v <- beta2 v + (1 - beta2) g^2        u <- max(u, v)
//   w <- w - lr m / (sqrt(u) + epsilon)
// The paper corrects no bias; with bias_correction m is divided by 1 - beta1^t and u by
// 1 - beta2^t: the maximum is over the uncorrected v, as in PyTorch. The paper has no epsilon.
template <typename T>
class AmsGrad final : public Optimizer<T> {
 public:
  AmsGrad(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-3, kPositive, "learning rate")),
        beta1_(settings.number("beta1", 0.9, kDecay, "decay rate of the mean of gradients")),
        beta2_(settings.number("beta2", 0.999, kDecay, "decay rate of the mean of squares")),
        epsilon_(settings.number("epsilon", 1e-8, kPositive, "keeps the quotient finite")),
        bias_correction_(settings.flag("bias_correction", false,
                                       "divide the means by the sum of their weights, as Adam")),
        m_(layout.size()),
        v_(layout.size()),
        largest_v_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto t = static_cast<double>(context.step);
    const double bias1 = bias_correction_ ? 1 - std::pow(beta1_, t) : 1;
    const double bias2 = bias_correction_ ? 1 - std::pow(beta2_, t) : 1;
    const auto beta1 = constant<Batch<T>>(beta1_);
    const auto beta2 = constant<Batch<T>>(beta2_);
    const auto rest1 = constant<Batch<T>>(1 - beta1_);
    const auto rest2 = constant<Batch<T>>(1 - beta2_);
    const auto step_size = constant<Batch<T>>(lr_ * context.schedule_factor / bias1);
    const auto correction2 = constant<Batch<T>>(1 / std::sqrt(bias2));
    const auto epsilon = constant<Batch<T>>(epsilon_);
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& m, auto& v, auto& u) {
          m = beta1 * m + rest1 * g;
          v = beta2 * v + rest2 * g * g;
          // A selection, so that NaN in v comes through.
          u = xsimd::select(u > v, u, v);
          w -= step_size * m / (xsimd::sqrt(u) * correction2 + epsilon);
        },
        parameters.data(), gradient.data(), m_.data(), v_.data(), largest_v_.data());
  }
  std::vector<StateBlock> state() const override {
    return {{"m", m_}, {"v", v_}, {"u", largest_v_}};
  }
  void archive(StateArchive& kept) override { kept(m_, v_, largest_v_); }
  std::size_t state_size() const override { return m_.size() + v_.size() + largest_v_.size(); }

 private:
  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
  bool bias_correction_;
  std::vector<T> m_;
  std::vector<T> v_;
  std::vector<T> largest_v_;
};

}  // namespace

OptimizerEntry amsgrad() {
  return optimizer_entry<AmsGrad>({
      .summary = "Adam whose step sizes never grow: it divides by the largest mean square so far.",
      .formula = "m <- beta1 m + (1 - beta1) g; v <- beta2 v + (1 - beta2) g^2; u <- max(u, v); w "
                 "<- w - lr m / (sqrt(u) + epsilon)",
      .paper = "Reddi, Kale & Kumar, On the convergence of Adam and beyond, ICLR 2018, "
               "arXiv:1904.09237, Algorithm 2",
  });
}

}  // namespace plumbline::optimizers
