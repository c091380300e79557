// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "engine/kernels/sum.hpp"
#include "engine/optimizers/decoupled_decay.hpp"
#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// AdamW that moves only the weights whose step goes against the gradient at hand, as in
// the paper:
//   m <- beta1 m + (1 - beta1) g          m_hat = m / (1 - beta1^t)
//   v <- beta2 v + (1 - beta2) g^2        v_hat = v / (1 - beta2^t)
//   u = m_hat / (sqrt(v_hat) + epsilon)   phi = 1 where u g > 0, else 0
//   w <- w - f lr u phi n / (sum phi + 1) - decay w
// n is the number of all parameters: the mask is counted over the whole block and not tensor by
// tensor as in the authors' code. The decay is that of AdamW, here with lr in it by default.
//
// u has the sign of m, and the signs are compared: the product of small numbers may underflow.
template <typename T>
class CautiousAdamW final : public Optimizer<T> {
 public:
  CautiousAdamW(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-3, kPositive, "learning rate")),
        beta1_(settings.number("beta1", 0.9, kDecay, "decay rate of the mean of gradients")),
        beta2_(settings.number("beta2", 0.999, kDecay, "decay rate of the mean of squares")),
        epsilon_(settings.number("epsilon", 1e-8, kPositive, "keeps the quotient finite")),
        decay_(settings, 1e-2, "lr"),
        m_(layout.size()),
        v_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const std::size_t n = parameters.size();
    const auto beta1 = constant<Batch<T>>(beta1_);
    const auto beta2 = constant<Batch<T>>(beta2_);
    const auto rest1 = constant<Batch<T>>(1 - beta1_);
    const auto rest2 = constant<Batch<T>>(1 - beta2_);
    for_each_batch(
        n,
        [&](const auto& g, auto& m, auto& v) {
          m = beta1 * m + rest1 * g;
          v = beta2 * v + rest2 * g * g;
        },
        gradient.data(), m_.data(), v_.data());
    const double agreeing = sum_of(n, [&](std::size_t i) {
      return (m_[i] > 0 && gradient[i] > 0) || (m_[i] < 0 && gradient[i] < 0) ? 1.0 : 0.0;
    });

    const auto t = static_cast<double>(context.step);
    const double lr = lr_ * context.schedule_factor * static_cast<double>(n) / (agreeing + 1);
    const auto step_size = constant<Batch<T>>(lr / (1 - std::pow(beta1_, t)));
    const auto correction2 = constant<Batch<T>>(1 / std::sqrt(1 - std::pow(beta2_, t)));
    const auto epsilon = constant<Batch<T>>(epsilon_);
    const auto decay = constant<Batch<T>>(decay_.share(lr_, context.schedule_factor));
    const auto zero = constant<Batch<T>>(0);
    for_each_batch(
        n,
        [&](auto& w, const auto& g, const auto& m, const auto& v) {
          // Where the signs differ, not where they agree: NaN then keeps its step.
          const auto against = xsimd::sign(m) * xsimd::sign(g) <= zero;
          const auto u = step_size * m / (xsimd::sqrt(v) * correction2 + epsilon);
          w -= xsimd::select(against, zero, u) + decay * w;
        },
        parameters.data(), gradient.data(), static_cast<const T*>(m_.data()),
        static_cast<const T*>(v_.data()));
  }
  std::vector<StateBlock> state() const override { return {{"m", m_}, {"v", v_}}; }
  void archive(StateArchive& kept) override { kept(m_, v_); }
  std::size_t state_size() const override { return m_.size() + v_.size(); }

 private:
  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
  DecoupledDecay decay_;
  std::vector<T> m_;
  std::vector<T> v_;
};

}  // namespace

OptimizerEntry cautious_adamw() {
  return optimizer_entry<CautiousAdamW>(
      {
          .summary = "AdamW that moves only where its step agrees with the gradient at hand.",
          .formula =
              "u = m_hat / (sqrt(v_hat) + epsilon); phi = 1 where u g > 0, else 0; w <- w - f "
              "lr (u phi n / (sum phi + 1) + weight_decay w)",
          .paper = "Liang, Chen, Liu & Liu, Cautious optimizers: improving training with one line "
                   "of code, 2024, arXiv:2411.16085",
      },
      UpdateScope::block);
}

}  // namespace plumbline::optimizers
