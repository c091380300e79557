// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/found_runs.hpp"
#include "experiments/runner/results/stored_runs.hpp"
#include "experiments/runner/results/sweep_store.hpp"

namespace plumbline {

/// Finished runs in other files than the one that a store makes, which need not be computed for it: a run is
/// what its id says. Of a run that stands in several the last that was added counts; whether their digests are
/// the same is for `merge` to tell.
class RunsElsewhere {
 public:
  /// Adds what a results file and its segments hold.
  void add(FoundRuns found);

  /// The finished ones alone.
  const StoredRuns& runs() const { return runs_; }
  /// The results files that they stand in.
  std::vector<std::filesystem::path> files() const;
  /// Gives the store each finished run of the plan that it lacks. Returns how many. A run whose file has gone
  /// is looked up anew, as processes may be moving it; one that cannot be read any more is left to be computed.
  /// Throws what SweepStore::append() does.
  std::size_t give(const Plan& plan, SweepStore& store) const;

 private:
  std::vector<FoundRuns> found_;
  StoredRuns runs_;
};

}  // namespace plumbline
