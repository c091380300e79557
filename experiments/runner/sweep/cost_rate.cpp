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

double checkpointed_cost(const RunSpec& run,
                         const std::map<std::string, std::int64_t>& checkpoints) {
  const auto found = checkpoints.find(run.run_id);
  if (found == checkpoints.end()) return 0;
  return computed_cost(run.cost, RunStatus::pending, found->second, run.configuration);
}

TimedRun timed_run(const RunSpec& run, const FoundRun& found) {
  return {found.started, found.seconds,
          computed_cost(run.cost, found.status, found.n_steps, run.configuration)};
}

std::optional<double> cost_rate(std::vector<TimedRun> runs) {
  // Runs that failed before their first step say nothing of how fast steps are.
  std::erase_if(runs, [](const TimedRun& run) { return run.cost <= 0; });
  std::ranges::sort(runs, {}, &TimedRun::started);
  double busy = 0;
  double cost = 0;
  double until = 0;  // of the runs so far
  for (const TimedRun& run : runs) {
    const double begin = run.started < until + 1 ? until : run.started;
    const double end = run.started + std::max(1.0, run.seconds);
    busy += std::max(0.0, end - begin);
    until = std::max(until, end);
    cost += run.cost;
  }
  if (runs.empty()) return std::nullopt;
  return cost / busy;
}

}  // namespace plumbline
