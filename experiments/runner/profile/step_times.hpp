// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"
#include "engine/training/run_configuration.hpp"
#include "engine/training/run_record.hpp"
#include "experiments/runner/machine/hardware_counters.hpp"
#include "experiments/runner/profile/step_clock.hpp"

namespace plumbline {

/// Consecutive steps between two short measurements of the multiply-adds, on the run's own thread.
struct Round {
  std::size_t first = 0;  ///< its first step, among those that were kept
  std::size_t steps = 0;
  double multiply_adds = 0;  ///< flop/s, the lower of the two
};

/// The steps to take medians over.
struct QuietSteps {
  std::vector<std::size_t> used;  ///< the quiet ones; all where those are less than a quarter
  std::size_t quiet = 0;
};

/// What the clock said of the steps of a run.
struct StepTimes {
  StepClock clock;
  std::vector<Round> rounds = {};
  std::vector<double> multiply_adds = {};  ///< flop/s: before the first round, and after each
  std::size_t optimizer_state = 0;         ///< values that the optimizer keeps
  std::optional<RunRecord> record = {};    ///< of the first pass over the whole run, if one ended
  std::vector<HardwareCounters::Count> counters = {};  ///< of all kept steps together
  std::string counters_missing = {};

  /// Quiet are the steps of the rounds in which the multiply-adds were at least kQuiet of the best.
  QuietSteps quiet_steps() const;
};

/// Trains the run with a clock, from its start again where it ends too soon, until `steps` steps were
/// kept; 0: for about two seconds. The first step of each pass allocates and is left out, unless the
/// run has no other. Where the run ends before any update, no step is kept. Counters of these `kinds`
/// count in the steps that are kept alone, and in one that diverges.
StepTimes time_steps(const RunConfiguration& run, const Dataset& data, std::size_t steps,
                     std::vector<CounterKind> kinds = processor_counters());

}  // namespace plumbline
