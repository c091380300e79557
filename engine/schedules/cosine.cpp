// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "engine/schedules/schedule.hpp"

namespace plumbline::schedules {

namespace {

// factor = final + (1 - final)(1 + cos(pi (t - 1) / T)) / 2 at update t of T: equation 5 of the paper
// without restarts. The first update has factor 1; the factor would reach `final` at update T + 1.
class Cosine final : public Schedule {
 public:
  explicit Cosine(Settings& settings)
      : final_(settings.number("final", 0, between(0, 1), "factor that the end approaches")) {}

  double factor(std::int64_t step, std::int64_t steps) const override {
    const double progress = static_cast<double>(step - 1) / static_cast<double>(steps);
    return final_ + (1 - final_) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
  }

 private:
  double final_;
};

}  // namespace

ScheduleEntry cosine() {
  return schedule_entry<Cosine>({
      .summary = "Half a cosine wave from the full learning rate down to its end.",
      .formula = "factor = final + (1 - final)(1 + cos(pi (t - 1) / T)) / 2 at update t of T",
      .paper = "Loshchilov & Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR "
               "2017, arXiv:1608.03983",
  });
}

}  // namespace plumbline::schedules
