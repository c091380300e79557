// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <ostream>
#include <string>
#include <unordered_map>
#include <vector>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/stored_runs.hpp"

namespace plumbline {

/// "1 run", "2 runs".
std::string runs_text(std::size_t n);

/// How many runs of a plan have come how far.
struct RunCounts {
  std::size_t complete = 0;
  std::size_t diverged = 0;
  std::size_t failed = 0;
  std::size_t pending = 0;

  /// A failed run is not done.
  std::size_t done() const { return complete + diverged; }
  std::size_t all() const { return done() + failed + pending; }
};

/// Runs of later stages, which the plan does not have yet, are pending.
RunCounts count_runs(const Plan& plan, const StoredRuns& stored);

/// The path, and "212 of 240 runs: 200 complete, 12 diverged, 3 failed, 25 pending: the same command computes
/// them" in a line; of a call that computes failed runs alone that it does so without --retry-failed.
void print_counts(const std::filesystem::path& path, const RunCounts& counts, bool retried,
                  std::ostream& out);

/// "2 earlier runs are not in this plan; they are kept in FILE.previous"; nothing where no file is named.
void print_previous(const std::vector<std::filesystem::path>& files, std::size_t runs,
                    std::ostream& out);

/// "3 runs are taken back from FILE.previous"; nothing of none.
void print_taken_back(const std::filesystem::path& file, std::size_t runs, std::ostream& out);

/// "3 runs are taken from the shards beside it"; nothing of none.
void print_taken_over(const std::string& from, std::size_t runs, std::ostream& out);

/// Why runs failed, by run id.
using Failures = std::unordered_map<std::string, std::string>;

/// A line for each, in the order of the plan.
void print_failures(const Plan& plan, const Failures& failures, std::ostream& out);

}  // namespace plumbline
