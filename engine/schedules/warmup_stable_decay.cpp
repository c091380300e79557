// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "engine/schedules/schedule.hpp"

namespace plumbline::schedules {

namespace {

// In a run of T updates, W of warm-up and D of decay at the end, the factor at update t is
//   t / W                                     while t < W,
//   final + (1 - final) f(p)                  while t - 1 > T - D, p = (t - 1 - (T - D)) / D,
//   1                                         between;
// the smaller of the two where they overlap. f is 1 - p (linear), 1 - sqrt(p) (one_minus_sqrt, which
// Haegele et al. found best) or (1 + cos(pi p)) / 2 (cosine); it would reach 0 at update T + 1. W and
// D are shares of T that need not be whole.
class WarmupStableDecay final : public Schedule {
 public:
  explicit WarmupStableDecay(Settings& settings)
      : warmup_(settings.number("warmup", 0.05, between(0, 1), "share of the run that warms up")),
        warmup_steps_(
            settings.integer("warmup_steps", 0, at_least(0),
                             "updates of warm-up, in the place of `warmup`; 0: by share")),
        decay_(settings.number("decay", 0.2, between(0, 1),
                               "share of the run, at its end, that "
                               "decays")),
        final_(settings.number("final", 0, between(0, 1), "factor that the end approaches")),
        shape_(settings.choice("shape", "one_minus_sqrt", {"one_minus_sqrt", "linear", "cosine"},
                               "how the decay falls")) {
    if (warmup_steps_ > 0 && settings.given("warmup")) {
      settings.problem("warmup_steps", "is given beside 'warmup'; give one of the two");
    } else if (warmup_steps_ == 0 && warmup_ + decay_ > 1) {
      settings.problem(settings.given("decay") ? "decay" : "warmup",
                       "leaves no room: 'warmup' and 'decay' are more than the whole run together");
    }
  }

  double factor(std::int64_t step, std::int64_t steps) const override {
    const auto t = static_cast<double>(step);
    const auto all = static_cast<double>(steps);
    const double warmup = warmup_steps_ > 0 ? static_cast<double>(warmup_steps_) : warmup_ * all;
    const double rising = t < warmup ? t / warmup : 1;
    const double decaying = decay_ * all;
    const double progress = (t - 1 - (all - decaying)) / decaying;
    const double falling = progress > 0 ? final_ + (1 - final_) * left_at(progress) : 1;
    return std::min(rising, falling);
  }

  std::string remark(std::int64_t steps) const override {
    return remark_on_warmup(warmup_steps_, steps);
  }

 private:
  double left_at(double progress) const {
    if (shape_ == "linear") return 1 - progress;
    if (shape_ == "cosine") return 0.5 * (1 + std::cos(std::numbers::pi * progress));
    return 1 - std::sqrt(progress);
  }

  double warmup_;
  std::int64_t warmup_steps_;
  double decay_;
  double final_;
  std::string shape_;
};

}  // namespace

ScheduleEntry warmup_stable_decay() {
  return schedule_entry<WarmupStableDecay>({
      .summary = "Up to the full learning rate, long constant there, and down at the end.",
      .formula =
          "factor = t / W, then 1, then final + (1 - final)(1 - sqrt(p)), p from 0 to 1 over "
          "the last D of T updates",
      .paper = "Hu et al., MiniCPM: unveiling the potential of small language models with scalable "
               "training strategies, 2024, arXiv:2404.06395; shapes: Haegele et al., Scaling laws "
               "and compute-optimal training beyond fixed training durations, NeurIPS 2024, "
               "arXiv:2405.18392",
  });
}

}  // namespace plumbline::schedules
