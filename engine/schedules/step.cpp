// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/schedules/schedule.hpp"

namespace plumbline::schedules {

namespace {

// factor = gamma^k, k the number of drops that the t - 1 updates so far have passed: one after every
// `every` updates, or one after each of the `milestones`. Where neither is given, after 1/2 and 3/4 of
// the run, as He et al. did on CIFAR-10 (section 4.2 of the paper). Update m + 1 is the first that a
// drop after m updates changes.
class Step final : public Schedule {
 public:
  explicit Step(Settings& settings)
      : gamma_(settings.number("gamma", 0.1, kFactor, "what each drop multiplies by")),
        every_(settings.integer("every", 0, at_least(0),
                                "updates from drop to drop; 0: by milestones")),
        milestones_(settings.integers("milestones", at_least(1), Settings::Order::rising,
                                      "updates after which there is a drop; not given, and no "
                                      "`every`: half and three quarters of the run")) {
    if (every_ > 0 && !milestones_.empty()) {
      settings.problem("every", "is given beside 'milestones'; give one of the two");
    }
  }

  double factor(std::int64_t step, std::int64_t steps) const override {
    const std::int64_t done = step - 1;
    std::int64_t drops = 0;
    if (every_ > 0) {
      drops = done / every_;
    } else if (!milestones_.empty()) {
      drops = std::ranges::upper_bound(milestones_, done) - milestones_.begin();
    } else {
      drops = (2 * done >= steps ? 1 : 0) + (4 * done >= 3 * steps ? 1 : 0);
    }
    return std::pow(gamma_, static_cast<double>(drops));
  }

 private:
  static constexpr Range kFactor{.low = 0, .high = 1, .low_included = false};

  double gamma_;
  std::int64_t every_;
  std::vector<std::int64_t> milestones_;
};

}  // namespace

ScheduleEntry step() {
  return schedule_entry<Step>({
      .summary = "The learning rate drops by a factor now and then.",
      .formula = "factor = gamma^k, k the number of drops among the t - 1 updates before update t",
      .paper = "He, Zhang, Ren & Sun, Deep residual learning for image recognition, CVPR 2016, "
               "arXiv:1512.03385",
  });
}

}  // namespace plumbline::schedules
