// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/stored_runs.hpp"
#include "experiments/runner/results/sweep_store.hpp"

namespace plumbline {

/// The runs that earlier plans left in FILE.previous, FILE.previous.2 and so on. Where a plan has one of
/// them again, it need not be computed: a run is what its id says. Files that are damaged are left alone.
class KeptRuns {
 public:
  /// None.
  KeptRuns() = default;
  /// Reads which runs there are: none count while FILE is written anew (StorePaths::fresh). Throws EnvironmentError where a file cannot be read.
  explicit KeptRuns(const std::filesystem::path& file);

  const StoredRuns& runs() const { return runs_; }
  /// The files that they stand in, each undamaged when it was read.
  const std::vector<std::filesystem::path>& files() const { return files_; }
  /// Gives the store each finished run of the plan that it lacks. Returns how many. A run that turns out
  /// to be damaged is left to be computed.
  std::size_t give(const Plan& plan, SweepStore& store) const;
  /// Removes the files that hold no finished run beyond those of FILE, which was made of `plan` and holds
  /// what is finished of it in `published`.
  void remove_superseded(const Plan& plan, const StoredRuns& published) const;

 private:
  std::vector<std::filesystem::path> files_;
  StoredRuns runs_;
};

}  // namespace plumbline
