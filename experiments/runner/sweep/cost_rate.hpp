// SPDX-License-Identifier: Apache-2.0
// What runs that have ended say of the time that others will take.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/training/run_configuration.hpp"
#include "engine/training/run_record.hpp"

namespace plumbline {

/// The part of a run's cost that was computed: all of it where the run is complete, also where it reached
/// its target early, as others like it will; of one that diverged or failed the share of its steps that it
/// made, as others need not end like it.
double computed_cost(double cost, RunStatus status, std::int64_t steps_made,
                     const RunConfiguration& configuration);

/// Cost that is done in a second while runs are under way: their cost over the time in which at least
/// one of them was computed. Nothing where they took no time or did nothing.
struct TimedRun {
  double started = 0;
  double seconds = 0;
  double cost = 0;  ///< computed_cost()
};
std::optional<double> cost_rate(std::vector<TimedRun> runs);

}  // namespace plumbline
