// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <ostream>
#include <string>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/runs_elsewhere.hpp"
#include "experiments/runner/results/stored_runs.hpp"
#include "experiments/runner/results/sweep_store.hpp"

namespace plumbline {

/// Where runs that `run` is asked for may stand beside its file, so that it need not compute them.
struct Elsewhere {
  RunsElsewhere kept;    ///< in FILE.previous
  RunsElsewhere beside;  ///< in the shards of FILE, or where that is a shard in its output
  std::string name_of_beside;

  /// All runs that are known: what the file has itself counts before what others have.
  StoredRuns with(const StoredRuns& own) const;
};

/// For a file that is no shard. Tells which shards cannot be read, and which of them others compute.
Elsewhere beside_output(const std::filesystem::path& file, std::ostream& err);

/// For the file of a shard, of whose output this is known.
Elsewhere beside_shard(const std::filesystem::path& file, RunsElsewhere in_output,
                       const std::filesystem::path& output);

/// Puts the runs of the plan that the store lacks and others have into it, and tells how many. They are on
/// disk when this returns. Throws what the store does.
std::size_t take_over(const Plan& plan, const Elsewhere& elsewhere, SweepStore& store,
                      std::ostream& err);

}  // namespace plumbline
