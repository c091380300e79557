// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/profile/thread_scaling.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <thread>

#include "engine/training/trainer.hpp"
#include "experiments/runner/profile/ceiling.hpp"
#include "experiments/runner/profile/median.hpp"
#include "experiments/runner/profile/step_clock.hpp"
#include "experiments/runner/profile/streams.hpp"

namespace plumbline {

namespace {

constexpr double kProbeSeconds = 0.005;
constexpr int kMostTimes = 3;

/// Lets runs train for windows of time, all others waiting.
class Gate {
 public:
  explicit Gate(std::size_t runs) : admitted_(runs, false), spans_(runs) {}

  /// A run is ready for its first window.
  void arrive() {
    const std::scoped_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
  }
  /// Waits until the run is let into a window; false where there is none any more.
  bool enter(std::size_t run) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || admitted_[run]; });
    admitted_[run] = false;
    return !closed_;
  }
  Nanoseconds end_of_window() const { return end_.load(std::memory_order_relaxed); }
  /// The run has made so many steps in the window.
  void leave(std::size_t run, const WorkSpan& steps) {
    const std::scoped_lock lock(mutex_);
    spans_[run] = steps;
    --running_;
    changed_.notify_all();
  }
  void fail(std::exception_ptr error) {
    const std::scoped_lock lock(mutex_);
    error_ = std::move(error);
    changed_.notify_all();
  }

  /// Lets the first `runs` runs train for so many nanoseconds; their steps a second together. Throws
  /// what a run has thrown.
  double window(std::size_t runs, Nanoseconds length) {
    std::unique_lock lock(mutex_);
    const auto wait_until = [&](const auto& condition) {
      changed_.wait(lock, [&] { return error_ != nullptr || condition(); });
      if (error_ != nullptr) std::rethrow_exception(error_);
    };
    wait_until([&] { return arrived_ == spans_.size(); });
    running_ = runs;
    std::fill_n(admitted_.begin(), runs, true);
    end_ = steady_nanoseconds() + length;
    changed_.notify_all();
    wait_until([&] { return running_ == 0; });
    return joint_rate(std::span(spans_).first(runs));
  }
  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t arrived_ = 0;
  std::size_t running_ = 0;
  std::vector<bool> admitted_;
  std::vector<WorkSpan> spans_;
  std::atomic<Nanoseconds> end_{0};
  std::exception_ptr error_;
  bool closed_ = false;
};

/// A run that trains in its windows and counts its steps there.
class GatedRun final : public TrainingObserver {
 public:
  GatedRun(Gate& gate, std::size_t number) : gate_(gate), number_(number) {}

  bool before_update(const StepView<float>& view) override { return look(view.step); }
  bool before_update(const StepView<double>& view) override { return look(view.step); }
  bool after_update(std::span<const float> /*parameters*/) override { return next(); }
  bool after_update(std::span<const double> /*parameters*/) override { return next(); }

  bool closed() const { return closed_; }

 private:
  bool look(std::int64_t step) {
    step_ = step;
    return true;
  }

  bool next() {
    Nanoseconds now = steady_nanoseconds();
    if (step_ > 0) {
      ++steps_;
      spent_ += now - last_;
    }
    const bool first = !arrived_;
    if (first) gate_.arrive();
    arrived_ = true;
    const bool over = !first && steps_ > 0 && now >= gate_.end_of_window();
    if (over) {
      // As many as it would have made, had it not begun again in the window.
      const double steps = static_cast<double>(steps_) * static_cast<double>(now - entered_) /
                           static_cast<double>(spent_);
      gate_.leave(number_, {steps, entered_, now});
    }
    if (first || over) {
      closed_ = !gate_.enter(number_);
      steps_ = 0;
      spent_ = 0;
      now = steady_nanoseconds();
      entered_ = now;
    }
    last_ = now;
    return !closed_;
  }

  Gate& gate_;
  std::size_t number_;
  bool arrived_ = false;
  bool closed_ = false;
  std::int64_t step_ = 0;
  std::size_t steps_ = 0;  // in the window, and the time they took
  Nanoseconds spent_ = 0;
  Nanoseconds entered_ = 0;  // the window
  Nanoseconds last_ = 0;
};

// Trains again and again until the gate closes.
void train_behind(Gate& gate, std::size_t number, const RunConfiguration& run,
                  const Dataset& data) {
  GatedRun gated(gate, number);
  const std::atomic<bool> stop{false};
  try {
    while (!gated.closed()) train_observed(run, data, stop, gated);
  } catch (...) {
    gate.fail(std::current_exception());
  }
}

// The rates for one number of threads, a round each.
struct Rounds {
  std::vector<double> steps;   // a second
  std::vector<double> before;  // multiply-adds
  std::vector<double> after;

  // The rounds in which both measurements of multiply-adds were near the best of all.
  std::set<std::size_t> quiet() const {
    const double best =
        std::max(*std::ranges::max_element(before), *std::ranges::max_element(after));
    std::set<std::size_t> found;
    for (std::size_t round = 0; round < steps.size(); ++round) {
      if (std::min(before[round], after[round]) >= kQuiet * best) found.insert(round);
    }
    return found;
  }
};

// The rounds that are quiet for both.
std::vector<std::size_t> quiet_rounds(const Rounds& many, const Rounds& one) {
  const std::set<std::size_t> quiet = one.quiet();
  std::vector<std::size_t> both;
  for (const std::size_t round : many.quiet()) {
    if (quiet.contains(round)) both.push_back(round);
  }
  return both;
}

ThreadScaling scaling_of(int threads, const Rounds& many, const Rounds& one) {
  std::vector<std::size_t> rounds = quiet_rounds(many, one);
  const std::size_t quiet = rounds.size();
  if (quiet == 0) {
    for (std::size_t round = 0; round < many.steps.size(); ++round) rounds.push_back(round);
  }
  std::vector<double> steps;
  std::vector<double> over_one;
  std::vector<double> streams;
  for (const std::size_t round : rounds) {
    steps.push_back(many.steps[round]);
    over_one.push_back(many.steps[round] / one.steps[round]);
    streams.push_back((many.before[round] + many.after[round]) /
                      (one.before[round] + one.after[round]));
  }
  return {threads, median(std::move(steps)), median(std::move(over_one)),
          median(std::move(streams)), quiet};
}

}  // namespace

std::vector<ThreadScaling> measure_scaling(const RunConfiguration& run, const Dataset& data,
                                           const std::vector<int>& threads, int rounds,
                                           double window_seconds) {
  if (run.steps < 2) return {};
  const auto most = static_cast<std::size_t>(*std::ranges::max_element(threads));
  Gate gate(most);
  std::vector<Rounds> measured(threads.size());
  {
    std::vector<std::jthread> runs;
    // Lets the runs end before their threads are joined, also where a window throws.
    const std::shared_ptr<void> closing(nullptr, [&gate](void*) { gate.close(); });
    for (std::size_t i = 0; i < most; ++i) {
      runs.emplace_back([&gate, i, &run, &data] { train_behind(gate, i, run, data); });
    }
    const auto length = static_cast<Nanoseconds>(1e9 * window_seconds);
    const auto has_enough = [&] {
      return std::ranges::all_of(measured, [&](const Rounds& many) {
        return std::ssize(quiet_rounds(many, measured[0])) >= rounds;
      });
    };
    for (int round = 0; round < kMostTimes * rounds; ++round) {
      if (round >= rounds && has_enough()) break;
      for (std::size_t t = 0; t < threads.size(); ++t) {
        const auto streams = [&] {
          return multiply_add_rate(run.model.precision, threads[t], kProbeSeconds);
        };
        measured[t].before.push_back(streams());
        measured[t].steps.push_back(gate.window(static_cast<std::size_t>(threads[t]), length));
        measured[t].after.push_back(streams());
      }
    }
  }
  std::vector<ThreadScaling> scaling;
  for (std::size_t t = 0; t < threads.size(); ++t) {
    scaling.push_back(scaling_of(threads[t], measured[t], measured[0]));
  }
  return scaling;
}

}  // namespace plumbline
