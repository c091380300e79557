// SPDX-License-Identifier: Apache-2.0
#include "engine/schedules/schedule.hpp"

namespace plumbline::schedules {

namespace {

// factor = 1.
class Constant final : public Schedule {
 public:
  explicit Constant(Settings& /*settings*/) {}

  double factor(std::int64_t /*step*/, std::int64_t /*steps*/) const override { return 1; }
};

}  // namespace

ScheduleEntry constant() {
  return schedule_entry<Constant>({
      .summary = "The learning rate stays as it is.",
      .formula = "factor = 1",
      .paper = "Robbins & Monro, A stochastic approximation method, 1951, where a constant rate is "
               "the case without convergence",
  });
}

}  // namespace plumbline::schedules
