// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/runs_elsewhere.hpp"
#include "experiments/runner/results/stored_runs.hpp"

namespace plumbline {

/// The runs that earlier plans left in FILE.previous, FILE.previous.2 and so on. Files that are damaged are
/// left alone.
class KeptRuns : public RunsElsewhere {
 public:
  /// None.
  KeptRuns() = default;
  /// Reads which runs there are: none count while FILE is written anew (StorePaths::fresh). Throws
  /// EnvironmentError where a file cannot be read.
  explicit KeptRuns(const std::filesystem::path& file);

  /// Removes the files that hold no finished run beyond those of FILE, which was made of `plan` and holds
  /// what is finished of it in `published`.
  void remove_superseded(const Plan& plan, const StoredRuns& published) const;
};

}  // namespace plumbline
