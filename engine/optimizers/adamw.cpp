// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "engine/optimizers/decoupled_decay.hpp"
#include "engine/optimizers/optimizer.hpp"
#include "engine/optimizers/stability_limit.hpp"

namespace plumbline::optimizers {

namespace {

// Adam with decoupled weight decay, Algorithm 2 of the paper, with f the schedule's factor:
//   m <- beta1 m + (1 - beta1) g          m_hat = m / (1 - beta1^t)
//   v <- beta2 v + (1 - beta2) g^2        v_hat = v / (1 - beta2^t)
//   w <- w - f (lr m_hat / (sqrt(v_hat) + epsilon) + weight_decay w)
// The decay takes its share of w before the step, and lr is no factor of it; with decay_scale "lr"
// it is, as in PyTorch. It is never part of g, unlike L2 regularization.
template <typename T>
class AdamW final : public Optimizer<T>, public HasStabilityLimit<T> {
 public:
  AdamW(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-3, kPositive, "learning rate")),
        beta1_(settings.number("beta1", 0.9, kDecay, "decay rate of the mean of gradients")),
        beta2_(settings.number("beta2", 0.999, kDecay, "decay rate of the mean of squares")),
        epsilon_(settings.number("epsilon", 1e-8, kPositive, "keeps the quotient finite")),
        decay_(settings, 1e-4, "schedule"),
        m_(layout.size()),
        v_(layout.size()) {}

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
    const auto decay = constant<Batch<T>>(decay_.share(lr_, context.schedule_factor));
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& m, auto& v) {
          m = beta1 * m + rest1 * g;
          v = beta2 * v + rest2 * g * g;
          w -= step_size * m / (xsimd::sqrt(v) * correction2 + epsilon) + decay * w;
        },
        parameters.data(), gradient.data(), m_.data(), v_.data());
  }
  // As Adam's. With the share d of w that decays, an eigenvalue h of P^(-1) H moves w by
  //   w_{t+1} = (1 - d + beta1 - lr (1 - beta1) h) w_t - (1 - d) beta1 w_{t-1},
  // whose roots leave the unit circle at -1: lr (1 - beta1) h = (2 - d) (1 + beta1).
  StabilityLimit stability_limit(std::span<const T> gradient,
                                 const StepContext<T>& context) const override {
    const auto t = static_cast<double>(context.step);
    const double d = decay_.share(lr_, context.schedule_factor);
    const RootOfSquares p{.decay = beta2_,
                          .correction = 1 / (1 - std::pow(beta2_, t)),
                          .outside = epsilon_,
                          .factor = 1 - std::pow(beta1_, t)};
    return {(2 - d) * (1 + beta1_) / ((1 - beta1_) * lr_ * context.schedule_factor),
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
  DecoupledDecay decay_;
  std::vector<T> m_;
  std::vector<T> v_;
};

}  // namespace

OptimizerEntry adamw() {
  return optimizer_entry<AdamW>({
      .summary = "Adam with weight decay beside the step instead of in the gradient.",
      .formula = "m <- beta1 m + (1 - beta1) g; v <- beta2 v + (1 - beta2) g^2; w <- w - f (lr "
                 "(m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon) + weight_decay w)",
      .paper = "Loshchilov & Hutter, Decoupled weight decay regularization, ICLR 2019, "
               "arXiv:1711.05101, Algorithm 2",
  });
}

}  // namespace plumbline::optimizers
