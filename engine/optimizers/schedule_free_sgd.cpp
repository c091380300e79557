// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "engine/optimizers/optimizer.hpp"
#include "engine/optimizers/schedule_free_average.hpp"

namespace plumbline::optimizers {

namespace {

// Schedule-Free gradient descent, equations 3 to 5 of the paper: gradients g are taken at y,
// between the point z that descends and the mean x of the points z, where the model is evaluated.
//   z <- z - gamma (g + weight_decay y)      gamma = lr, times a warm-up and the schedule's factor
//   x <- (1 - c) x + c z                     c by schedule_free_average.hpp
//   y <- (1 - beta) z + beta x
// The block of parameters holds y; z and x start there. Sums of two shares are taken from the
// differences z - x and x - z, so that equal points stay equal.
template <typename T>
class ScheduleFreeSgd final : public Optimizer<T> {
 public:
  ScheduleFreeSgd(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1, kPositive, "learning rate")),
        beta_(
            settings.number("beta", 0.9, kUnit, "share of the mean in where gradients are taken")),
        weight_decay_(
            settings.number("weight_decay", 0, kNonNegative, "lambda of the L2 term at y")),
        average_(settings),
        z_(layout.size()),
        x_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    if (!started_) {
      std::ranges::copy(parameters, z_.begin());
      std::ranges::copy(parameters, x_.begin());
      started_ = true;
    }
    const double gamma_now = lr_ * context.schedule_factor * average_.warm_up(context.step);
    const auto gamma = constant<Batch<T>>(gamma_now);
    const auto c = constant<Batch<T>>(average_.share(context.step, gamma_now));
    const auto beta = constant<Batch<T>>(beta_);
    const auto weight_decay = constant<Batch<T>>(weight_decay_);
    for_each_batch(
        parameters.size(),
        [&](auto& y, const auto& g, auto& z, auto& x) {
          z -= gamma * (g + weight_decay * y);
          x += c * (z - x);
          y = z + beta * (x - z);
        },
        parameters.data(), gradient.data(), z_.data(), x_.data());
  }
  bool keeps_position() const override { return true; }
  std::vector<StateBlock> state() const override { return {{"z", z_}, {"x", x_}}; }
  void archive(StateArchive& kept) override {
    average_.archive(kept);
    kept(started_, z_, x_);
  }
  std::size_t state_size() const override { return z_.size() + x_.size(); }
  std::span<const T> evaluation_point(std::span<const T> parameters) override {
    return started_ ? std::span<const T>(x_) : parameters;
  }

 private:
  static constexpr Range kUnit = between(0, 1);

  double lr_;
  double beta_;
  double weight_decay_;
  ScheduleFreeAverage average_;
  bool started_ = false;
  std::vector<T> z_;
  std::vector<T> x_;
};

}  // namespace

OptimizerEntry schedule_free_sgd() {
  return optimizer_entry<ScheduleFreeSgd>({
      .summary = "Gradient descent that averages its points instead of lowering its rate.",
      .formula = "z <- z - lr (g + weight_decay y); x <- (1 - c) x + c z; y <- (1 - beta) z + beta "
                 "x; trained at y, evaluated at x",
      .paper = "Defazio, Yang, Mehta, Mishchenko, Khaled & Cutkosky, The road less scheduled, "
               "NeurIPS 2024, arXiv:2405.15682, equations 3 to 5",
  });
}

}  // namespace plumbline::optimizers
