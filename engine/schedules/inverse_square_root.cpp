// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/schedules/schedule.hpp"

namespace plumbline::schedules {

namespace {

// factor = min(t / W, sqrt(W / t)) at update t: equation 3 of Vaswani et al., divided by its largest
// value, which it has at update W (their warmup_steps), so that the optimizer's learning rate is the
// peak and not a multiple of d_model^-1/2. Without `warm_up`, 1 up to W and sqrt(W / t) from there, as
// T5. Where the run ends does not matter.
class InverseSquareRoot final : public Schedule {
 public:
  explicit InverseSquareRoot(Settings& settings)
      : offset_(static_cast<double>(settings.integer("offset", 4000, at_least(1),
                                                     "the update from which on the rate falls"))),
        warm_up_(settings.flag("warm_up", true,
                               "rises linearly up to that update; false: constant up to it")) {}

  double factor(std::int64_t step, std::int64_t /*steps*/) const override {
    const auto t = static_cast<double>(step);
    if (t >= offset_) return std::sqrt(offset_ / t);
    return warm_up_ ? t / offset_ : 1;
  }

  std::string remark(std::int64_t steps) const override {
    return warm_up_ ? remark_on_warmup(static_cast<std::int64_t>(offset_), steps) : std::string();
  }

 private:
  double offset_;
  bool warm_up_;
};

}  // namespace

ScheduleEntry inverse_square_root() {
  return schedule_entry<InverseSquareRoot>({
      .summary = "The learning rate falls with the square root of the updates, after a warm-up.",
      .formula = "factor = min(t / W, sqrt(W / t)) at update t, W the offset",
      .paper = "Vaswani et al., Attention is all you need, NIPS 2017, arXiv:1706.03762; without "
               "warm-up: Raffel et al., Exploring the limits of transfer learning with a unified "
               "text-to-text transformer, JMLR 21, 2020, arXiv:1910.10683",
  });
}

}  // namespace plumbline::schedules
