// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/profile/step_times.hpp"

#include <algorithm>
#include <atomic>
#include <optional>
#include <span>
#include <utility>

#include "engine/training/trainer.hpp"
#include "experiments/runner/profile/ceiling.hpp"

namespace plumbline {

namespace {

constexpr Nanoseconds kRound = 50'000'000;
constexpr double kProbeSeconds = 0.002;
constexpr Nanoseconds kEnough = 2'000'000'000;
constexpr std::size_t kFewestSteps = 5;
constexpr std::size_t kMostSteps = 20'000;

class Timer final : public TrainingObserver, private PhaseClock {
 public:
  Timer(const RunConfiguration& run, std::size_t steps, std::vector<CounterKind> kinds)
      : times_{.clock = StepClock(run.model.layers(run.data->outputs()).kinds().size())},
        counters_(std::move(kinds)),
        precision_(run.model.precision),
        updates_(run.last_step()),
        wanted_(steps) {
    times_.multiply_adds.push_back(multiply_add_rate(precision_, kProbeSeconds));
  }

  PhaseClock* clock() override { return this; }
  bool before_update(const StepView<float>& view) override { return look(view); }
  bool before_update(const StepView<double>& view) override { return look(view); }
  bool after_update(std::span<const float> /*parameters*/) override { return next(); }
  bool after_update(std::span<const double> /*parameters*/) override { return next(); }

  bool has_enough() const {
    const std::size_t steps = times_.clock.steps();
    if (wanted_ > 0) return steps >= wanted_;
    return steps >= kMostSteps || (spent_ >= kEnough && steps >= kFewestSteps);
  }

  /// A pass is over.
  void end_pass() {
    times_.clock.end_step(false);  // the last step of a run has no update
    end_round();
    step_ = -1;
  }

  StepTimes take() {
    times_.counters = counters_.counts();
    times_.counters_missing = counters_.missing();
    return std::move(times_);
  }
  StepTimes& times() { return times_; }

 private:
  // A step begins with its data. After the last update comes one that is not kept, as it has none, and
  // evaluations and a digest, which are of no step.
  void enter(Phase phase, std::size_t layer) override {
    const std::int64_t next = step_ + 1;
    if (phase == Phase::data && next < updates_ && is_kept(next)) counters_.start();
    times_.clock.enter(phase, layer);
  }

  bool is_kept(std::int64_t step) const { return step > 0 || updates_ == 1; }

  template <typename T>
  bool look(const StepView<T>& view) {
    step_ = view.step;
    times_.optimizer_state = view.optimizer.state_size();
    return true;
  }

  bool next() {
    const bool keep = is_kept(step_);
    times_.clock.end_step(keep);
    counters_.stop();
    if (keep) {
      const Nanoseconds took = times_.clock.total(times_.clock.steps() - 1);
      spent_ += took;
      round_ += took;
    }
    if (round_ >= kRound || step_ == 0) end_round();
    return !has_enough();
  }

  void end_round() {
    counters_.stop();  // where a pass ended in a step
    const std::size_t begun =
        times_.rounds.empty() ? 0 : times_.rounds.back().first + times_.rounds.back().steps;
    const std::size_t steps = times_.clock.steps() - begun;
    const double before = times_.multiply_adds.back();
    times_.multiply_adds.push_back(multiply_add_rate(precision_, kProbeSeconds));
    if (steps > 0) {
      times_.rounds.push_back({begun, steps, std::min(before, times_.multiply_adds.back())});
    }
    round_ = 0;
  }

  StepTimes times_;
  HardwareCounters counters_;
  Precision precision_;
  std::int64_t updates_;
  std::size_t wanted_;
  std::int64_t step_ = -1;  // that the run saw last
  Nanoseconds spent_ = 0;
  Nanoseconds round_ = 0;
};

}  // namespace

QuietSteps StepTimes::quiet_steps() const {
  double best = 0;
  for (const double rate : multiply_adds) best = std::max(best, rate);
  std::vector<std::size_t> all;
  std::vector<std::size_t> quiet;
  for (const Round& round : rounds) {
    for (std::size_t step = round.first; step < round.first + round.steps; ++step) {
      all.push_back(step);
      if (round.multiply_adds >= kQuiet * best) quiet.push_back(step);
    }
  }
  const std::size_t count = quiet.size();
  return {std::move(4 * count < all.size() ? all : quiet), count};
}

StepTimes time_steps(const RunConfiguration& run, const Dataset& data, std::size_t steps,
                     std::vector<CounterKind> kinds) {
  Timer timer(run, steps, std::move(kinds));
  const std::atomic<bool> stop{false};
  while (!timer.has_enough()) {
    const std::size_t before = timer.times().clock.steps();
    std::optional<RunRecord> record = train_observed(run, data, stop, timer);
    timer.end_pass();
    if (!timer.times().record) timer.times().record = std::move(record);
    if (timer.times().clock.steps() == before) break;
  }
  return timer.take();
}

}  // namespace plumbline
