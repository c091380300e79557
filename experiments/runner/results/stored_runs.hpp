// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/training/run_record.hpp"
#include "experiments/runner/plan/stages.hpp"
#include "experiments/runner/results/readable_file.hpp"
#include "experiments/runner/results/results_file.hpp"

namespace plumbline {

/// Whether the later record of a run takes the place of an earlier one: of several the latest counts, but for
/// one that failed after the run was finished.
inline bool supersedes(RunStatus later, RunStatus earlier) {
  return is_finished(later) || !is_finished(earlier);
}

/// Which runs are on disk, with their status and their summary numbers: an index in memory, by run id.
class StoredRuns {
 public:
  StoredRuns() = default;
  /// What FILE and the segments in FILE.d hold, for whoever looks and does not write; a sweep may be
  /// going on. Segments that are no longer there or are damaged are left out, and runs of FILE whose records
  /// are. Throws EnvironmentError where FILE is there and is no results file that can be read.
  explicit StoredRuns(const std::filesystem::path& file);

  /// Pending where nothing is known of the run.
  RunStatus status(const std::string& run_id) const;
  /// Complete or diverged. A failed run is not done.
  bool is_finished(const std::string& run_id) const;
  /// A summary number, such as "final_valid_loss"; NaN where the run has none of that name.
  double number(const std::string& run_id, std::string_view name) const;
  /// What stages are chosen by: a RunValue, which this must outlive.
  RunValue values() const;
  /// How many runs are complete or diverged.
  std::size_t finished() const;
  /// The ids of these, in no order.
  std::vector<std::string> finished_ids() const;

  /// Takes a record into the index; the latest of a run counts.
  void add(const std::string& run_id, const RunRecord& record);
  /// The same for each run of a file that is not pending and can be read, where it supersedes what is known.
  void add(const ResultsReader& reader, const UnreadableRuns& unreadable = {});
  /// The same for each run of another index.
  void add(const StoredRuns& other);
  /// Forgets a run.
  void remove(const std::string& run_id);

 private:
  struct Run {
    RunStatus status = RunStatus::pending;
    std::vector<double> summary;  ///< in the order of names_; may be shorter
  };

  std::size_t place_of(std::string_view name);

  std::vector<std::string> names_;
  std::unordered_map<std::string, Run> runs_;
};

}  // namespace plumbline
