// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/sweep/cost_rate.hpp"

#include <algorithm>

namespace plumbline {

double computed_cost(double cost, RunStatus status, std::int64_t steps_made,
                     const RunConfiguration& configuration) {
  const std::int64_t steps = configuration.last_step();
  if (status == RunStatus::complete || steps <= 0) return cost;
  return cost * std::min(1.0, static_cast<double>(steps_made) / static_cast<double>(steps));
}

std::optional<double> cost_rate(std::vector<TimedRun> runs) {
  std::ranges::sort(runs, {}, &TimedRun::started);
  double busy = 0;
  double cost = 0;
  double until = 0;  // of the runs so far
  for (const TimedRun& run : runs) {
    const double end = run.started + run.seconds;
    busy += std::max(0.0, end - std::max(run.started, until));
    until = std::max(until, end);
    cost += run.cost;
  }
  if (busy <= 0 || cost <= 0) return std::nullopt;
  return cost / busy;
}

}  // namespace plumbline
