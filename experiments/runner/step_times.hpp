// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"
#include "engine/training/run_configuration.hpp"
#include "experiments/runner/hardware_counters.hpp"
#include "experiments/runner/step_clock.hpp"

namespace plumbline {

/// Consecutive steps between two short measurements of the multiply-adds, on the run's own thread.
struct Round {
  std::size_t first = 0;  ///< its first step, among those that were kept
  std::size_t steps = 0;
  double multiply_adds = 0;  ///< flop/s, the lower of the two
};

/// What the clock said of the steps of a run.
struct StepTimes {
  StepClock clock;
  std::vector<Round> rounds = {};
  std::vector<double> multiply_adds = {};  ///< flop/s: before the first round, and after each
  std::size_t optimizer_state = 0;         ///< values that the optimizer keeps
  std::string digest = {};    ///< of the first pass over the whole run; empty where none ended
  std::string diverged = {};  ///< where it did, else empty
  std::vector<HardwareCounters::Count> counters = {};  ///< of all steps together
  std::string counters_missing = {};

  /// The steps of the rounds in which the multiply-adds were at least kQuiet of the best; all steps
  /// where those are less than a quarter.
  std::vector<std::size_t> quiet_steps() const;
};

/// Trains the run with a clock, from its start again where it ends too soon, until `steps` steps were
/// kept; 0: for about two seconds. The first step of each pass allocates and is left out, unless the
/// run has no other. Where the run ends before any update, no step is kept.
StepTimes time_steps(const RunConfiguration& run, const Dataset& data, std::size_t steps);

}  // namespace plumbline
