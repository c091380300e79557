// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/found_runs.hpp"

#include <system_error>
#include <utility>

#include "engine/core/error.hpp"
#include "experiments/runner/results/seal.hpp"
#include "experiments/runner/results/segment_folder.hpp"
#include "experiments/runner/results/store_paths.hpp"

namespace plumbline {

namespace fs = std::filesystem;

namespace {

bool is_there(const fs::path& path) {
  std::error_code unknown;
  return fs::exists(path, unknown);
}

}  // namespace

FoundRuns::FoundRuns(fs::path file) : file_(std::move(file)) {
  // A segment that has gone since it was listed was merged into another or into FILE, with its runs.
  constexpr int kTries = 20;
  for (int i = 1; !add_all() && i < kTries; ++i) {
    sources_.clear();
    runs_.clear();
  }
}

/// Whether all that was listed was there.
bool FoundRuns::add_all() {
  const StorePaths paths(file_);
  const std::vector<fs::path> segments = segment_files(paths.segments);
  if (is_there(file_) && !is_there(paths.fresh)) add(std::make_unique<ResultsReader>(file_));
  for (const fs::path& path : segments) {
    try {
      if (has_whole_seal(path)) {
        add(std::make_unique<ResultsReader>(path));
        continue;
      }
    } catch (const EnvironmentError&) {
      // It has gone since, or it is damaged.
    }
    if (!is_there(path)) return false;
  }
  return true;
}

void FoundRuns::add(std::unique_ptr<ResultsReader> reader) {
  const std::vector<std::string> ids = reader->run_ids();
  const std::vector<RunStatus> statuses = reader->statuses();
  const std::vector<std::string> digests = reader->labels("digest");
  const std::vector<double> started = reader->numbers("started");
  const std::vector<double> wall_seconds = reader->numbers("wall_seconds");
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (statuses[i] == RunStatus::pending) continue;
    runs_.insert_or_assign(
        ids[i], FoundRun{statuses[i], digests[i], started[i], wall_seconds[i], sources_.size(), i});
  }
  sources_.push_back(std::move(reader));
}

}  // namespace plumbline
