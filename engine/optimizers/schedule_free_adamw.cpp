// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/optimizers/optimizer.hpp"
#include "engine/optimizers/schedule_free_average.hpp"

namespace plumbline::optimizers {

namespace {

// Schedule-Free AdamW, Algorithm 1 of the paper; y, z and x as in schedule_free_sgd.cpp, with
// gradients g taken at y:
//   v <- beta2 v + (1 - beta2) g^2
//   gamma = lr sqrt(1 - beta2^t), times a warm-up and the schedule's factor
//   z <- z - gamma (g / (sqrt(v) + epsilon) + weight_decay y)
//   x <- (1 - c) x + c z                       c by schedule_free_average.hpp
//   y <- (1 - beta1) z + beta1 x
// The correction of v stands in gamma, so epsilon is added to the uncorrected root, and the first
// steps count little in x.
template <typename T>
class ScheduleFreeAdamW final : public Optimizer<T> {
 public:
  ScheduleFreeAdamW(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 2.5e-3, kPositive, "learning rate")),
        beta1_(
            settings.number("beta1", 0.9, kUnit, "share of the mean in where gradients are taken")),
        beta2_(settings.number("beta2", 0.999, kDecay, "decay rate of the mean of squares")),
        epsilon_(settings.number("epsilon", 1e-8, kPositive, "keeps the quotient finite")),
        weight_decay_(settings.number("weight_decay", 0, kNonNegative,
                                      "lambda of the decoupled decay at y, times lr")),
        average_(settings),
        v_(layout.size()),
        z_(layout.size()),
        x_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    if (!started_) {
      std::ranges::copy(parameters, z_.begin());
      std::ranges::copy(parameters, x_.begin());
      started_ = true;
    }
    const auto t = static_cast<double>(context.step);
    const double gamma_now = lr_ * context.schedule_factor * std::sqrt(1 - std::pow(beta2_, t)) *
                             average_.warm_up(context.step);
    const auto gamma = constant<Batch<T>>(gamma_now);
    const auto c = constant<Batch<T>>(average_.share(context.step, gamma_now));
    const auto beta1 = constant<Batch<T>>(beta1_);
    const auto beta2 = constant<Batch<T>>(beta2_);
    const auto rest2 = constant<Batch<T>>(1 - beta2_);
    const auto epsilon = constant<Batch<T>>(epsilon_);
    const auto weight_decay = constant<Batch<T>>(weight_decay_);
    for_each_batch(
        parameters.size(),
        [&](auto& y, const auto& g, auto& v, auto& z, auto& x) {
          v = beta2 * v + rest2 * g * g;
          z -= gamma * (g / (xsimd::sqrt(v) + epsilon) + weight_decay * y);
          x += c * (z - x);
          y = z + beta1 * (x - z);
        },
        parameters.data(), gradient.data(), v_.data(), z_.data(), x_.data());
  }
  bool keeps_position() const override { return true; }
  std::vector<StateBlock> state() const override { return {{"v", v_}, {"z", z_}, {"x", x_}}; }
  void archive(StateArchive& kept) override {
    average_.archive(kept);
    kept(started_, v_, z_, x_);
  }
  std::size_t state_size() const override { return v_.size() + z_.size() + x_.size(); }
  std::span<const T> evaluation_point(std::span<const T> parameters) override {
    return started_ ? std::span<const T>(x_) : parameters;
  }

 private:
  static constexpr Range kUnit = between(0, 1);

  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
  double weight_decay_;
  ScheduleFreeAverage average_;
  bool started_ = false;
  std::vector<T> v_;
  std::vector<T> z_;
  std::vector<T> x_;
};

}  // namespace

OptimizerEntry schedule_free_adamw() {
  return optimizer_entry<ScheduleFreeAdamW>({
      .summary = "AdamW that averages its points instead of lowering its rate.",
      .formula =
          "v <- beta2 v + (1 - beta2) g^2; gamma = lr sqrt(1 - beta2^t); z <- z - gamma (g / "
          "(sqrt(v) + epsilon) + weight_decay y); x <- (1 - c) x + c z; y <- (1 - beta1) z + "
          "beta1 x; trained at y, evaluated at x",
      .paper = "Defazio, Yang, Mehta, Mishchenko, Khaled & Cutkosky, The road less scheduled, "
               "NeurIPS 2024, arXiv:2405.15682, Algorithm 1",
  });
}

}  // namespace plumbline::optimizers
