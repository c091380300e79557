// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "engine/optimizers/decoupled_decay.hpp"
#include "engine/optimizers/nadam_momentum.hpp"
#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// Nadam with decoupled weight decay in the two forms of AdamW. With m_hat and v_hat of nadam.cpp
// and f the schedule's factor:
//   w <- w - f (lr m_hat / (sqrt(v_hat) + epsilon) + weight_decay w)
// with w before the step in the decay; with decay_scale "lr" the learning rate multiplies it too.
template <typename T>
class NadamW final : public Optimizer<T> {
 public:
  NadamW(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 2e-3, kPositive, "learning rate")),
        momentum_(settings),
        beta2_(settings.number("beta2", 0.999, kDecay, "decay rate of the mean of squares")),
        epsilon_(settings.number("epsilon", 1e-8, kPositive, "keeps the quotient finite")),
        decay_(settings, 1e-4, "schedule"),
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
    const auto decay = constant<Batch<T>>(decay_.share(lr_, context.schedule_factor));
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& m, auto& v) {
          m = mu * m + rest * g;
          v = beta2 * v + rest2 * g * g;
          w -= (lr_of_m * m + lr_of_g * g) / (xsimd::sqrt(v) * correction2 + epsilon) + decay * w;
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
  DecoupledDecay decay_;
  std::vector<T> m_;
  std::vector<T> v_;
};

}  // namespace

OptimizerEntry nadamw() {
  return optimizer_entry<NadamW>({
      .summary = "Nadam with weight decay beside the step instead of in the gradient.",
      .formula =
          "mu_t = beta1 (1 - 0.5 * 0.96^(t psi)); m <- mu_t m + (1 - mu_t) g; v <- beta2 v + (1 - "
          "beta2) g^2; w <- w - f (lr (mu_(t+1) m / (1 - mu_1 ... mu_(t+1)) + (1 - mu_t) g / (1 - "
          "mu_1 ... mu_t)) / (sqrt(v / (1 - beta2^t)) + epsilon) + weight_decay w)",
      .paper = "Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016, Algorithm 2; "
               "Loshchilov & Hutter, Decoupled weight decay regularization, ICLR 2019, "
               "arXiv:1711.05101",
  });
}

}  // namespace plumbline::optimizers
