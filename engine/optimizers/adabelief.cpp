// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// AdaBelief, Algorithm 2 of the paper: large steps where the gradient is as its mean foretold.
//   m <- beta1 m + (1 - beta1) g                             m_hat = m / (1 - beta1^t)
//   s <- beta2 s + (1 - beta2) (g - m)^2 + epsilon           s_hat = s / (1 - beta2^t)
//   w <- w - lr m_hat / (sqrt(s_hat) + epsilon)
// with m after its update in s, and epsilon in both places.
template <typename T>
class AdaBelief final : public Optimizer<T> {
 public:
  AdaBelief(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-3, kPositive, "learning rate")),
        beta1_(settings.number("beta1", 0.9, kDecay, "decay rate of the mean of gradients")),
        beta2_(settings.number("beta2", 0.999, kDecay, "decay rate of the mean of deviations")),
        epsilon_(settings.number("epsilon", 1e-16, kPositive, "keeps the quotient finite")),
        m_(layout.size()),
        s_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto t = static_cast<double>(context.step);
    const auto beta1 = constant<Batch<T>>(beta1_);
    const auto beta2 = constant<Batch<T>>(beta2_);
    const auto rest1 = constant<Batch<T>>(1 - beta1_);
    const auto rest2 = constant<Batch<T>>(1 - beta2_);
    const auto step_size =
        constant<Batch<T>>(lr_ * context.schedule_factor / (1 - std::pow(beta1_, t)));
    const auto correction2 = constant<Batch<T>>(1 / std::sqrt(1 - std::pow(beta2_, t)));
    const auto epsilon = constant<Batch<T>>(epsilon_);
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& m, auto& s) {
          m = beta1 * m + rest1 * g;
          s = beta2 * s + rest2 * (g - m) * (g - m) + epsilon;
          w -= step_size * m / (xsimd::sqrt(s) * correction2 + epsilon);
        },
        parameters.data(), gradient.data(), m_.data(), s_.data());
  }
  std::vector<StateBlock> state() const override { return {{"m", m_}, {"s", s_}}; }
  void archive(StateArchive& kept) override { kept(m_, s_); }
  std::size_t state_size() const override { return m_.size() + s_.size(); }

 private:
  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
  std::vector<T> m_;
  std::vector<T> s_;
};

}  // namespace

OptimizerEntry adabelief() {
  return optimizer_entry<AdaBelief>({
      .summary = "Adam that divides by how far the gradient strays from its mean.",
      .formula = "m <- beta1 m + (1 - beta1) g; s <- beta2 s + (1 - beta2) (g - m)^2 + epsilon; w "
                 "<- w - lr (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + epsilon)",
      .paper = "Zhuang, Tang, Ding, Tatikonda, Dvornek, Papademetris & Duncan, AdaBelief "
               "optimizer: adapting stepsizes by the belief in observed gradients, NeurIPS 2020, "
               "arXiv:2010.07468, Algorithm 2",
  });
}

}  // namespace plumbline::optimizers
