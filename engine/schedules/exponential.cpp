// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/schedules/schedule.hpp"

namespace plumbline::schedules {

namespace {

// factor = gamma^(t - 1) at update t: the first update has factor 1. With a gamma above 1 the rate
// grows; the paper trains nets with normalization layers so.
class Exponential final : public Schedule {
 public:
  explicit Exponential(Settings& settings)
      : gamma_(settings.number("gamma", 0.999, kPositive,
                               "what every update multiplies the learning rate by")) {}

  double factor(std::int64_t step, std::int64_t /*steps*/) const override {
    return std::pow(gamma_, static_cast<double>(step - 1));
  }

 private:
  double gamma_;
};

}  // namespace

ScheduleEntry exponential() {
  return schedule_entry<Exponential>({
      .summary = "The learning rate falls by the same share in every update.",
      .formula = "factor = gamma^(t - 1) at update t",
      .paper = "Li & Arora, An exponential learning rate schedule for deep learning, ICLR 2020, "
               "arXiv:1910.07454",
  });
}

}  // namespace plumbline::schedules
