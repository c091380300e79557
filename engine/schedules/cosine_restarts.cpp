// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "engine/schedules/schedule.hpp"

namespace plumbline::schedules {

namespace {

// factor = final + (1 - final)(1 + cos(pi T_cur / T_i)) / 2: equation 5 of the paper, with T_cur the
// updates since the last restart and T_i the length of this period, T_i = T_0 T_mult^i. Counted in
// updates where the paper counts in epochs. The update after a restart has factor 1. Where the run
// ends does not matter.
class CosineRestarts final : public Schedule {
 public:
  explicit CosineRestarts(Settings& settings)
      : period_(settings.integer("period", 100, between(1, 1e9),
                                 "updates until the first restart; T_0 of the paper")),
        period_factor_(settings.integer("period_factor", 2, between(1, 1e6),
                                        "how much longer each period is; T_mult of the paper")),
        final_(settings.number("final", 0, between(0, 1),
                               "factor that the end of each period approaches")) {}

  double factor(std::int64_t step, std::int64_t /*steps*/) const override {
    std::int64_t since_restart = step - 1;
    std::int64_t period = period_;
    if (period_factor_ == 1) since_restart %= period;
    while (since_restart >= period) {
      since_restart -= period;
      period *= period_factor_;
    }
    const double progress = static_cast<double>(since_restart) / static_cast<double>(period);
    return final_ + (1 - final_) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
  }

 private:
  std::int64_t period_;
  std::int64_t period_factor_;
  double final_;
};

}  // namespace

ScheduleEntry cosine_restarts() {
  return schedule_entry<CosineRestarts>({
      .summary = "Half a cosine wave down, again and again, each time longer.",
      .formula = "factor = final + (1 - final)(1 + cos(pi T_cur / T_i)) / 2, T_cur updates after a "
                 "restart, T_i = period period_factor^i",
      .paper = "Loshchilov & Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR "
               "2017, arXiv:1608.03983",
  });
}

}  // namespace plumbline::schedules
