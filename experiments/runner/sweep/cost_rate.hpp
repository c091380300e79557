// SPDX-License-Identifier: Apache-2.0
// What runs that have ended say of the time that others will take.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/training/run_configuration.hpp"
#include "engine/training/run_record.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/found_runs.hpp"

namespace plumbline {

/// The part of a run's cost that was computed: all of it where the run is complete, also where it reached
/// its target early, as others like it will; of one that diverged or failed the share of its steps that it
/// made, as others need not end like it.
double computed_cost(double cost, RunStatus status, std::int64_t steps_made,
                     const RunConfiguration& configuration);

/// The part of a run's cost that its checkpoint holds, of those in updates_of_checkpoints(); 0 without one.
double checkpointed_cost(const RunSpec& run,
                         const std::map<std::string, std::int64_t>& checkpoints);

struct TimedRun {
  double started = 0;  ///< rounded down to whole seconds
  double seconds = 0;
  double cost = 0;  ///< computed_cost()
};
TimedRun timed_run(const RunSpec& run, const FoundRun& found);

/// Cost that is done in a second while runs are under way: their cost over the time in which at least
/// one of them was computed. As no start is known to the second, a run takes no less than one, and one that
/// seems to begin less than a second after the others follows without a gap. Nothing where they did nothing.
std::optional<double> cost_rate(std::vector<TimedRun> runs);

}  // namespace plumbline
