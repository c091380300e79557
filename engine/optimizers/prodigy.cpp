// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/kernels/sum.hpp"
#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// Prodigy with Adam's division, Algorithm 4 of the paper. It estimates from below how far the
// solution is, D >= d, and steps by d: lr stays near 1. With w0 the first parameters seen, and
// gamma = lr times the schedule's factor,
//   m <- beta1 m + (1 - beta1) d g        v <- beta2 v + (1 - beta2) d^2 g^2
//   r <- sqrt(beta2) r + (1 - sqrt(beta2)) gamma d^2 <g, w0 - w>
//   s <- sqrt(beta2) s + (1 - sqrt(beta2)) gamma d^2 g
//   w <- w - gamma d (m / (sqrt(v) + d epsilon) + weight_decay w)
//   d <- max(d, r / |s|_1), after the step, which uses the d before
// Nothing is corrected for bias, and the growth of d is not bounded, as in the paper.
template <typename T>
class Prodigy final : public Optimizer<T> {
 public:
  Prodigy(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1, kPositive, "multiplies the estimated step size")),
        beta1_(settings.number("beta1", 0.9, kDecay, "decay rate of the mean of gradients")),
        beta2_(settings.number("beta2", 0.999, kDecay, "decay rate of the mean of squares")),
        epsilon_(settings.number("epsilon", 1e-8, kPositive, "keeps the quotient finite")),
        weight_decay_(settings.number("weight_decay", 0, kNonNegative,
                                      "lambda of the decoupled decay, times lr and d")),
        d_(settings.number("d0", 1e-6, kPositive, "first estimate of the distance")),
        start_(layout.size()),
        m_(layout.size()),
        v_(layout.size()),
        s_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const std::size_t n = parameters.size();
    if (!started_) std::ranges::copy(parameters, start_.begin());
    started_ = true;
    const double gamma = lr_ * context.schedule_factor;
    const double root2 = std::sqrt(beta2_);
    const double weight = (1 - root2) * gamma * d_ * d_;
    r_ =
        root2 * r_ + weight * sum_of(n, [&](std::size_t i) {
                       return static_cast<double>(gradient[i]) *
                              (static_cast<double>(start_[i]) - static_cast<double>(parameters[i]));
                     });

    const auto beta1 = constant<Batch<T>>(beta1_);
    const auto beta2 = constant<Batch<T>>(beta2_);
    const auto rest1 = constant<Batch<T>>((1 - beta1_) * d_);
    const auto rest2 = constant<Batch<T>>((1 - beta2_) * d_ * d_);
    const auto share_of_s = constant<Batch<T>>(root2);
    const auto share_of_g = constant<Batch<T>>(weight);
    const auto step_size = constant<Batch<T>>(gamma * d_);
    const auto epsilon = constant<Batch<T>>(d_ * epsilon_);
    const auto decay = constant<Batch<T>>(gamma * d_ * weight_decay_);
    for_each_batch(
        n,
        [&](auto& w, const auto& g, auto& m, auto& v, auto& s) {
          m = beta1 * m + rest1 * g;
          v = beta2 * v + rest2 * g * g;
          s = share_of_s * s + share_of_g * g;
          w -= step_size * m / (xsimd::sqrt(v) + epsilon) + decay * w;
        },
        parameters.data(), gradient.data(), m_.data(), v_.data(), s_.data());

    const double length =
        sum_of(n, [&](std::size_t i) { return std::abs(static_cast<double>(s_[i])); });
    if (length > 0) d_ = std::max(d_, r_ / length);
  }
  std::vector<StateBlock> state() const override {
    return {{"w0", start_}, {"m", m_}, {"v", v_}, {"s", s_}};
  }
  void archive(StateArchive& kept) override { kept(d_, r_, started_, start_, m_, v_, s_); }
  std::size_t state_size() const override { return 4 * m_.size(); }

 private:
  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
  double weight_decay_;
  double d_;
  double r_ = 0;
  bool started_ = false;
  std::vector<T> start_;
  std::vector<T> m_;
  std::vector<T> v_;
  std::vector<T> s_;
};

}  // namespace

OptimizerEntry prodigy() {
  return optimizer_entry<Prodigy>(
      {
          .summary = "Adam that finds its own learning rate by the distance it has come.",
          .formula =
              "m <- beta1 m + (1 - beta1) d g; v <- beta2 v + (1 - beta2) d^2 g^2; r <- "
              "sqrt(beta2) "
              "r + (1 - sqrt(beta2)) lr d^2 <g, w0 - w>; s <- sqrt(beta2) s + (1 - sqrt(beta2)) lr "
              "d^2 g; w <- w - lr d (m / (sqrt(v) + d epsilon) + weight_decay w); d <- max(d, r / "
              "|s|_1)",
          .paper =
              "Mishchenko & Defazio, Prodigy: an expeditiously adaptive parameter-free learner, "
              "ICML 2024, arXiv:2306.06101, Algorithm 4",
      },
      UpdateScope::block);
}

}  // namespace plumbline::optimizers
