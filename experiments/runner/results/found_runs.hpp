// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/training/run_record.hpp"
#include "experiments/runner/results/results_file.hpp"

namespace plumbline {

/// A run that has come to an end, and where its record stands.
struct FoundRun {
  RunStatus status = RunStatus::pending;
  std::string digest;
  double started = 0;  ///< seconds since 1970-01-01 UTC
  double wall_seconds = 0;
  std::size_t source = 0;  ///< of FoundRuns::sources()
  std::size_t index = 0;   ///< in that file
};

/// What FILE and the segments in FILE.d hold, for whoever looks and does not write: takes no lock, and a
/// process may be adding to them. What was opened stays readable though that process removes it.
class FoundRuns {
 public:
  /// Throws EnvironmentError where a file is there and cannot be read; but for segments, which whoever
  /// computes the runs again replaces.
  explicit FoundRuns(std::filesystem::path file);

  const std::filesystem::path& file() const { return file_; }
  /// By run id; of a run that stands in several files the latest. None is pending.
  const std::unordered_map<std::string, FoundRun>& runs() const { return runs_; }
  /// FILE, if it is there, and then its segments; empty where there is nothing.
  const std::vector<std::unique_ptr<ResultsReader>>& sources() const { return sources_; }

 private:
  bool add_all();
  void add(std::unique_ptr<ResultsReader> reader);

  std::filesystem::path file_;
  std::vector<std::unique_ptr<ResultsReader>> sources_;
  std::unordered_map<std::string, FoundRun> runs_;
};

}  // namespace plumbline
