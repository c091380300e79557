// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// Algorithm 3 with the Gauss-Newton-Bartlett estimator (Algorithm 2), B the batch, g^ the gradient of
// the batch mean with targets drawn from the model: every k updates, from the first on,
//   h <- beta2 h + (1 - beta2) B g^ g^;  always  m <- beta1 m + (1 - beta1) g,
//   w <- w - lr wd w,  w <- w - lr clip(m / max(gamma h, epsilon), 1).
// Not the variant with Hutchinson's estimator. The quotient is clipped by comparing, so NaN stays.
template <typename T>
class Sophia final : public Optimizer<T> {
 public:
  Sophia(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-3, kPositive, "learning rate")),
        beta1_(settings.number("beta1", 0.96, kDecay, "decay rate of the mean of gradients")),
        beta2_(settings.number("beta2", 0.99, kDecay, "decay rate of the mean of curvatures")),
        gamma_(settings.number("gamma", 0.05, kPositive, "scale of the curvature in the quotient")),
        epsilon_(settings.number("epsilon", 1e-12, kPositive, "least divisor")),
        weight_decay_(settings.number("weight_decay", 0, kNonNegative, "decoupled, times lr")),
        update_every_(
            settings.integer("update_every", 10, at_least(1), "updates between curvatures")),
        m_(layout.size()),
        h_(layout.size()),
        sampled_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    if ((context.step - 1) % update_every_ == 0) estimate_curvature(parameters, context);
    const double lr = lr_ * context.schedule_factor;
    const Batch<T> beta1(static_cast<T>(beta1_));
    const Batch<T> rest1(static_cast<T>(1 - beta1_));
    const Batch<T> gamma(static_cast<T>(gamma_));
    const Batch<T> epsilon(static_cast<T>(epsilon_));
    const Batch<T> step_size(static_cast<T>(lr));
    const Batch<T> decay(static_cast<T>(lr * weight_decay_));
    const Batch<T> one(T(1));
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& m, const auto& h) {
          m = beta1 * m + rest1 * g;
          const auto scaled = gamma * h;
          const auto ratio = m / xsimd::select(scaled < epsilon, epsilon, scaled);
          w -= decay * w;
          w -=
              step_size * xsimd::select(ratio > one, one, xsimd::select(ratio < -one, -one, ratio));
        },
        parameters.data(), gradient.data(), m_.data(), static_cast<const T*>(h_.data()));
  }
  std::vector<StateBlock> state() const override { return {{"m", m_}, {"h", h_}}; }
  void archive(StateArchive& kept) override { kept(m_, h_); }
  std::size_t state_size() const override { return m_.size() + h_.size() + sampled_.size(); }
  bool draws_targets() const override { return true; }

 private:
  void estimate_curvature(std::span<const T> parameters, const StepContext<T>& context) {
    context.objective->sampled_gradient(parameters, static_cast<std::uint32_t>(context.step),
                                        sampled_);
    const Batch<T> beta2(static_cast<T>(beta2_));
    const Batch<T> rest2(
        static_cast<T>((1 - beta2_) * static_cast<double>(context.objective->examples())));
    for_each_batch(
        h_.size(), [&](auto& h, const auto& s) { h = beta2 * h + rest2 * s * s; }, h_.data(),
        static_cast<const T*>(sampled_.data()));
  }

  double lr_;
  double beta1_;
  double beta2_;
  double gamma_;
  double epsilon_;
  double weight_decay_;
  std::int64_t update_every_;
  std::vector<T> m_;
  std::vector<T> h_;
  std::vector<T> sampled_;
};

}  // namespace

OptimizerEntry sophia() {
  return optimizer_entry<Sophia>(
      {
          .summary = "Mean of gradients over a diagonal curvature, clipped element by element.",
          .formula =
              "m <- beta1 m + (1 - beta1) g; every k updates h <- beta2 h + (1 - beta2) B g^ "
              "g^; w <- w - lr wd w - lr clip(m / max(gamma h, epsilon), 1)",
          .paper =
              "Liu, Li, Hall, Liang & Ma, Sophia: a scalable stochastic second-order optimizer "
              "for language model pre-training, ICLR 2024, arXiv:2305.14342, Algorithm 3",
      },
      UpdateScope::objective);
}

}  // namespace plumbline::optimizers
