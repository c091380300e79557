// SPDX-License-Identifier: Apache-2.0
#include "engine/schedules/schedule.hpp"

namespace plumbline::schedules {

namespace {

// factor = start + (1 - start) t / W at update t of the first W; then that of the inner schedule, which
// sees update t - W of T - W, as if the run began there. Update W has factor 1 and no update is lost
// with start = 0, where libraries that count from t - 1 make an update of size zero. The gradual
// warm-up of Goyal et al. with `start` as its value before the first update.
class Warmup final : public Schedule {
 public:
  explicit Warmup(Settings& settings)
      : warmup_(settings.integer("steps", 100, at_least(1), "updates that warm up")),
        start_(settings.number("start", 0, between(0, 1), "factor from which it rises to 1")) {
    const auto inner = choose_inner(settings, "inner", "cosine", "schedules", schedule_catalogue,
                                    "schedule of the updates after them");
    if (inner.entry != nullptr) {
      inner_ = inner.make(settings.report(), [](const ScheduleEntry& entry, Settings& own) {
        return entry.make(own);
      });
    }
  }

  double factor(std::int64_t step, std::int64_t steps) const override {
    if (step > warmup_) return inner_->factor(step - warmup_, steps - warmup_);
    return start_ + (1 - start_) * (static_cast<double>(step) / static_cast<double>(warmup_));
  }

  std::string remark(std::int64_t steps) const override {
    std::string own = remark_on_warmup(warmup_, steps);
    return own.empty() && inner_ != nullptr ? inner_->remark(steps - warmup_) : own;
  }

 private:
  std::int64_t warmup_;
  double start_;
  std::shared_ptr<const Schedule> inner_;
};

}  // namespace

ScheduleEntry warmup() {
  return schedule_entry<Warmup>({
      .summary = "A straight line up to the full learning rate, and then any other schedule.",
      .formula = "factor = start + (1 - start) t / W for t <= W, then inner(t - W, T - W)",
      .paper = "Goyal et al., Accurate, large minibatch SGD: training ImageNet in 1 hour, 2017, "
               "arXiv:1706.02677",
  });
}

}  // namespace plumbline::schedules
