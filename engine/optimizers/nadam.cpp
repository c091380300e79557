// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "engine/optimizers/nadam_momentum.hpp"
#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// Adam with Nesterov's momentum, Algorithm 2 of the paper with its schedule of the momentum:
//   mu_t = beta1 (1 - 0.5 * 0.96^(t psi))
//   m <- mu_t m + (1 - mu_t) g            m_hat: the next step's share of m, and this step's of g,
//                                         each corrected (nadam_momentum.hpp)
//   v <- beta2 v + (1 - beta2) g^2        v_hat = v / (1 - beta2^t)
//   w <- w - lr m_hat / (sqrt(v_hat) + epsilon)
// m averages with mu_t, as the paper's correction by the product of the mu needs; PyTorch and Keras
// average with beta1 there. v_hat is Adam's; the paper prints a factor beta2 more in it.
template <typename T>
class Nadam final : public Optimizer<T> {
 public:
  Nadam(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 2e-3, kPositive, "learning rate")),
        momentum_(settings),
        beta2_(settings.number("beta2", 0.999, kDecay, "decay rate of the mean of squares")),
        epsilon_(settings.number("epsilon", 1e-8, kPositive, "keeps the quotient finite")),
        m_(layout.size()),
        v_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto t = static_cast<double>(context.step);
    const double lr = lr_ * context.schedule_factor;
    const NadamMomentum::Step momentum = momentum_.advance(t);
    const auto mu = constant<Batch<T>>(momentum.mu);
    const auto rest = constant<Batch<T>>(1 - momentum.mu);
    const auto lr_of_m = constant<Batch<T>>(lr * momentum.weight_of_m);
    const auto lr_of_g = constant<Batch<T>>(lr * momentum.weight_of_g);
    const auto beta2 = constant<Batch<T>>(beta2_);
    const auto rest2 = constant<Batch<T>>(1 - beta2_);
    const auto correction2 = constant<Batch<T>>(1 / std::sqrt(1 - std::pow(beta2_, t)));
    const auto epsilon = constant<Batch<T>>(epsilon_);
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& m, auto& v) {
          m = mu * m + rest * g;
          v = beta2 * v + rest2 * g * g;
          w -= (lr_of_m * m + lr_of_g * g) / (xsimd::sqrt(v) * correction2 + epsilon);
        },
        parameters.data(), gradient.data(), m_.data(), v_.data());
  }
  std::vector<StateBlock> state() const override { return {{"m", m_}, {"v", v_}}; }
  void archive(StateArchive& kept) override {
    momentum_.archive(kept);
    kept(m_, v_);
  }
  std::size_t state_size() const override { return m_.size() + v_.size(); }

 private:
  double lr_;
  NadamMomentum momentum_;
  double beta2_;
  double epsilon_;
  std::vector<T> m_;
  std::vector<T> v_;
};

}  // namespace

OptimizerEntry nadam() {
  return optimizer_entry<Nadam>({
      .summary = "Adam with Nesterov's momentum instead of the heavy ball's.",
      .formula =
          "mu_t = beta1 (1 - 0.5 * 0.96^(t psi)); m <- mu_t m + (1 - mu_t) g; v <- beta2 v + (1 - "
          "beta2) g^2; w <- w - lr (mu_(t+1) m / (1 - mu_1 ... mu_(t+1)) + (1 - mu_t) g / (1 - "
          "mu_1 ... mu_t)) / (sqrt(v / (1 - beta2^t)) + epsilon)",
      .paper = "Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016, Algorithm 2",
  });
}

}  // namespace plumbline::optimizers
