// SPDX-License-Identifier: Apache-2.0
#include "engine/schedules/schedule.hpp"

namespace plumbline::schedules {

namespace {

// factor = 1 - (1 - final)(t - 1) / T at update t of T. The first update has factor 1; the factor would
// reach `final` at update T + 1. BERT's decay, whose warm-up is the schedule `warmup`.
class Linear final : public Schedule {
 public:
  explicit Linear(Settings& settings)
      : final_(settings.number("final", 0, between(0, 1), "factor that the end approaches")) {}

  double factor(std::int64_t step, std::int64_t steps) const override {
    const double progress = static_cast<double>(step - 1) / static_cast<double>(steps);
    return 1 - (1 - final_) * progress;
  }

 private:
  double final_;
};

}  // namespace

ScheduleEntry linear() {
  return schedule_entry<Linear>({
      .summary = "A straight line from the full learning rate down to its end.",
      .formula = "factor = 1 - (1 - final)(t - 1) / T at update t of T",
      .paper = "Devlin, Chang, Lee & Toutanova, BERT: pre-training of deep bidirectional "
               "transformers for language understanding, NAACL 2019, arXiv:1810.04805",
  });
}

}  // namespace plumbline::schedules
