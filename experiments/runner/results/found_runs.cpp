// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/found_runs.hpp"

#include <algorithm>
#include <functional>
#include <system_error>
#include <utility>

#include "engine/core/error.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/segment_folder.hpp"
#include "experiments/runner/results/store_paths.hpp"

namespace plumbline {

namespace fs = std::filesystem;

namespace {

/// Not where it cannot be told.
bool has_gone(const fs::path& path) {
  std::error_code unknown;
  return fs::symlink_status(path, unknown).type() == fs::file_type::not_found;
}

}  // namespace

FoundRuns::FoundRuns(fs::path file, FilesSeen* seen) : file_(std::move(file)) {
  FilesSeen none;
  // A segment that has gone since it was listed was merged into another or into FILE, with its runs.
  constexpr int kTries = 20;
  for (int i = 1; !add_all(seen == nullptr ? none : *seen) && i < kTries; ++i) {
    sources_.clear();
    runs_.clear();
    stored_ = {};
    unreadable_.clear();
  }
}

/// Whether all that was listed was there, and FILE the same from first to last.
bool FoundRuns::add_all(FilesSeen& seen) {
  const StorePaths paths(file_);
  const std::vector<fs::path> segments = segment_files(paths.segments);
  if (is_there(file_) && !is_there(paths.fresh)) {
    const FileIdentity before = identity_of(file_);
    unreadable_ = seen.unreadable(file_);
    add(file_, unreadable_);
    if (identity_of(file_) != before) return false;
  }
  for (const fs::path& path : segments) {
    try {
      if (seen.is_whole(path)) {
        add(path, {});
        continue;
      }
    } catch (const EnvironmentError&) {
      if (!has_gone(path)) throw;
    }
    if (has_gone(path)) return false;
  }
  return true;
}

void FoundRuns::add(const fs::path& path, const UnreadableRuns& unreadable) {
  const ResultsReader reader(path);
  const std::vector<std::string> ids = reader.run_ids();
  const std::vector<RunStatus> statuses = reader.statuses();
  const std::vector<std::string> digests = reader.labels("digest");
  const std::vector<double> started = reader.numbers("started");
  std::vector<double> seconds = reader.numbers("wall_seconds");
  if (const auto names = reader.run_variables();
      std::ranges::find(names, "probe_seconds") != names.end()) {
    std::ranges::transform(seconds, reader.numbers("probe_seconds"), seconds.begin(), std::plus());
  }
  const std::vector<double> n_steps = reader.numbers("n_steps");
  std::vector<std::string> messages(ids.size());
  if (std::ranges::find(statuses, RunStatus::failed) != statuses.end()) {
    messages = reader.labels("message");
  }
  FoundSource source{path, reader.provenance(), 0};
  stored_.add(reader, unreadable);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (statuses[i] == RunStatus::pending || unreadable.contains(ids[i])) continue;
    source.latest_start = std::max(source.latest_start, started[i]);
    FoundRun& run = runs_[ids[i]];
    if (!supersedes(statuses[i], run.status)) continue;
    run = {statuses[i],     digests[i], std::move(messages[i]),
           started[i],      seconds[i], static_cast<std::int64_t>(n_steps[i]),
           sources_.size(), i};
  }
  sources_.push_back(std::move(source));
}

const FoundSource& FoundRuns::newest_source() const {
  const auto newest =
      std::ranges::max_element(sources_.rbegin(), sources_.rend(), {}, &FoundSource::latest_start);
  return *newest;
}

}  // namespace plumbline
