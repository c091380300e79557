// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// AdaMax, Algorithm 2 of the Adam paper: a decaying maximum in the place of the mean of squares,
//   m <- beta1 m + (1 - beta1) g        u <- max(beta2 u, |g| + epsilon)
//   w <- w - lr / (1 - beta1^t) m / u
// epsilon is not in the paper, where u = 0 for a gradient that was always zero.
template <typename T>
class AdaMax final : public Optimizer<T> {
 public:
  AdaMax(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 2e-3, kPositive, "learning rate")),
        beta1_(settings.number("beta1", 0.9, kDecay, "decay rate of the mean of gradients")),
        beta2_(settings.number("beta2", 0.999, kDecay, "decay rate of the largest gradient")),
        epsilon_(settings.number("epsilon", 1e-8, kPositive, "keeps the quotient finite")),
        m_(layout.size()),
        u_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto t = static_cast<double>(context.step);
    const auto beta1 = constant<Batch<T>>(beta1_);
    const auto rest1 = constant<Batch<T>>(1 - beta1_);
    const auto beta2 = constant<Batch<T>>(beta2_);
    const auto epsilon = constant<Batch<T>>(epsilon_);
    const auto step_size =
        constant<Batch<T>>(lr_ * context.schedule_factor / (1 - std::pow(beta1_, t)));
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& m, auto& u) {
          m = beta1 * m + rest1 * g;
          const auto decayed = beta2 * u;
          const auto newest = xsimd::abs(g) + epsilon;
          // A selection, so that NaN in g comes through.
          u = xsimd::select(decayed > newest, decayed, newest);
          w -= step_size * m / u;
        },
        parameters.data(), gradient.data(), m_.data(), u_.data());
  }
  std::vector<StateBlock> state() const override { return {{"m", m_}, {"u", u_}}; }
  void archive(StateArchive& kept) override { kept(m_, u_); }
  std::size_t state_size() const override { return m_.size() + u_.size(); }

 private:
  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
  std::vector<T> m_;
  std::vector<T> u_;
};

}  // namespace

OptimizerEntry adamax() {
  return optimizer_entry<AdaMax>({
      .summary = "Adam with the largest gradient of late in the place of the mean of squares.",
      .formula = "m <- beta1 m + (1 - beta1) g; u <- max(beta2 u, |g| + epsilon); w <- w - lr (m / "
                 "(1 - beta1^t)) / u",
      .paper = "Kingma & Ba, Adam: a method for stochastic optimization, ICLR 2015, "
               "arXiv:1412.6980, Algorithm 2",
  });
}

}  // namespace plumbline::optimizers
