// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "engine/schedules/schedule.hpp"

namespace plumbline::schedules {

namespace {

// With x = (t - 1) / T at update t of T: from `start` at x = 0 up to 1 at x = peak, then down to
// `final`, which it would reach at update T + 1; each way half a cosine wave or a straight line. So the
// optimizer's learning rate is the peak. The form with two phases that PyTorch and Optax have, with
// their defaults (1/25 and 1/250000), not Smith's with two equal halves and a third phase. Momentum
// stays as it is.
class OneCycle final : public Schedule {
 public:
  explicit OneCycle(Settings& settings)
      : peak_(settings.number("peak", 0.3, kInside, "share of the run at which the peak is")),
        start_(settings.number("start", 0.04, between(0, 1), "factor of the first update")),
        final_(settings.number("final", 4e-6, between(0, 1), "factor that the end approaches")),
        cosine_(settings.choice("anneal", "cosine", {"cosine", "linear"},
                                "how the factor goes up and down") == "cosine") {}

  double factor(std::int64_t step, std::int64_t steps) const override {
    const double x = static_cast<double>(step - 1) / static_cast<double>(steps);
    return x < peak_ ? between_levels(start_, 1, x / peak_)
                     : between_levels(1, final_, (x - peak_) / (1 - peak_));
  }

 private:
  static constexpr Range kInside{
      .low = 0, .high = 1, .low_included = false, .high_included = false};

  double between_levels(double from, double to, double progress) const {
    if (!cosine_) return from + (to - from) * progress;
    return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
  }

  double peak_;
  double start_;
  double final_;
  bool cosine_;
};

}  // namespace

ScheduleEntry one_cycle() {
  return schedule_entry<OneCycle>({
      .summary = "Up from a small learning rate to the full one and down to almost nothing.",
      .formula =
          "factor = c(start, 1, x / peak) for x < peak, else c(1, final, (x - peak)/(1 - peak)), "
          "x = (t - 1) / T, c(a, b, p) = b + (a - b)(1 + cos(pi p)) / 2",
      .paper =
          "Smith & Topin, Super-convergence: very fast training of neural networks using large "
          "learning rates, 2018, arXiv:1708.07120; Smith, A disciplined approach to neural "
          "network hyper-parameters, 2018, arXiv:1803.09820",
  });
}

}  // namespace plumbline::schedules
