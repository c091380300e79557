// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/stored_runs.hpp"
#include "experiments/runner/results/sweep_store.hpp"

namespace plumbline {

/// Finished runs in other files than the one that a store makes, which need not be computed for it: a run is
/// what its id says.
class RunsElsewhere {
 public:
  /// None.
  RunsElsewhere() = default;
  /// What results files and their segments hold, to which processes may be adding. Files that are not there
  /// or cannot be read are left out.
  explicit RunsElsewhere(const std::vector<std::filesystem::path>& results);

  /// Adds those of one undamaged file, without its segments. Throws EnvironmentError.
  void add_file(const std::filesystem::path& path);

  const StoredRuns& runs() const { return runs_; }
  /// The files that they stand in, segments too.
  const std::vector<std::filesystem::path>& files() const { return files_; }
  /// Gives the store each finished run of the plan that it lacks. Returns how many. A run that cannot be
  /// read any more is left to be computed.
  std::size_t give(const Plan& plan, SweepStore& store) const;

 private:
  std::vector<std::filesystem::path> files_;
  StoredRuns runs_;
};

}  // namespace plumbline
