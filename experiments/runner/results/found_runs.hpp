// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/training/run_record.hpp"
#include "experiments/runner/results/provenance.hpp"
#include "experiments/runner/results/readable_file.hpp"
#include "experiments/runner/results/stored_runs.hpp"

namespace plumbline {

/// A run that has come to an end, and where its record stands.
struct FoundRun {
  RunStatus status = RunStatus::pending;
  std::string digest;
  std::string message;       ///< why it failed
  double started = 0;        ///< seconds since 1970-01-01 UTC
  double seconds = 0;        ///< that it took: its wall time and the processor time of its probes
  std::int64_t n_steps = 0;  ///< that it made
  std::size_t source = 0;    ///< of FoundRuns::sources()
  std::size_t index = 0;     ///< in that file
};

/// A file that was read.
struct FoundSource {
  std::filesystem::path path;
  Provenance provenance;    ///< and the definition that its runs are of
  double latest_start = 0;  ///< of its runs
};

/// What FILE and the segments in FILE.d hold, for whoever looks and does not write: takes no lock, and a
/// process may be adding to them. No file stays open, as there may be more than a process may open:
/// a record is read by who wants it, and where its file has gone since or holds other runs at these
/// places, another FoundRuns tells where that process has put it.
class FoundRuns {
 public:
  /// Throws EnvironmentError where a file is there and cannot be read. A segment that can be, but is
  /// damaged, is left out, and so are runs of FILE whose records are: whoever computes them again replaces
  /// it.
  /// `seen` is for whoever looks again and again.
  explicit FoundRuns(std::filesystem::path file, FilesSeen* seen = nullptr);

  const std::filesystem::path& file() const { return file_; }
  /// By run id; of a run that stands in several files the one that supersedes the others. None is pending.
  const std::unordered_map<std::string, FoundRun>& runs() const { return runs_; }
  /// FILE, if it is there, and then its segments; empty where there is nothing.
  const std::vector<FoundSource>& sources() const { return sources_; }
  /// The source, of which there must be one, with the run that was started last; of equal ones the last.
  const FoundSource& newest_source() const;
  /// The same runs with their summary numbers.
  const StoredRuns& stored() const { return stored_; }
  /// The runs of FILE that are left out.
  const UnreadableRuns& unreadable() const { return unreadable_; }

 private:
  bool add_all(FilesSeen& seen);
  void add(const std::filesystem::path& path, const UnreadableRuns& unreadable);

  std::filesystem::path file_;
  std::vector<FoundSource> sources_;
  std::unordered_map<std::string, FoundRun> runs_;
  StoredRuns stored_;
  UnreadableRuns unreadable_;
};

}  // namespace plumbline
