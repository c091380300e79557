// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/previous_runs.hpp"

#include <algorithm>
#include <regex>
#include <string>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "engine/core/error.hpp"
#include "experiments/runner/results/force_to_disk.hpp"
#include "experiments/runner/results/output_path.hpp"
#include "experiments/runner/results/readable_file.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/segment_merge.hpp"
#include "experiments/runner/results/store_paths.hpp"
#include "experiments/runner/results/stored_runs.hpp"

namespace plumbline {

namespace {

namespace fs = std::filesystem;

/// FILE.previous, or FILE.previous.2 and so on where that is taken.
fs::path previous_name(const fs::path& file) {
  fs::path previous = file.string() + ".previous";
  for (int n = 2; is_there(previous); ++n) {
    previous = file.string() + ".previous." + std::to_string(n);
  }
  return previous;
}

/// A second name for a file, or a copy of it where the file system has no second names; on disk when this
/// returns.
void name_also(const fs::path& file, const fs::path& other) {
  std::error_code error;
  fs::create_hard_link(file, other, error);
  if (error) {
    const fs::path temporary = temporary_name(other);
    error.clear();
    fs::copy_file(file, temporary, fs::copy_options::overwrite_existing, error);
    if (!error) error = force_to_disk(temporary);
    if (!error) fs::rename(temporary, other, error);
    std::error_code unknown;
    if (error) fs::remove(temporary, unknown);
  }
  if (!error) error = force_name_to_disk(other);
  if (error) {
    throw EnvironmentError(other.string() +
                           ": cannot copy the earlier results there: " + error.message());
  }
}

/// The runs that are finished in a results file, without its segments, and can be read.
std::vector<std::string> finished_in(const fs::path& path) {
  const UnreadableRuns unreadable = unreadable_runs(path);
  StoredRuns runs;
  runs.add(ResultsReader(path), unreadable);
  return runs.finished_ids();
}

}  // namespace

std::vector<fs::path> keep_previous_runs(const fs::path& file, const std::vector<fs::path>& sources,
                                         const std::vector<std::string>& finished_ids,
                                         const Plan& plan, const Definition& definition,
                                         const Provenance& provenance) {
  std::unordered_set<std::string> foreign(finished_ids.begin(), finished_ids.end());
  for (const RunSpec& run : plan.runs) foreign.erase(run.run_id);
  if (foreign.empty()) return {};
  const auto is_foreign = [&](const std::string& run_id) { return foreign.contains(run_id); };
  std::vector<fs::path> kept;
  // Also where a killed process has come so far as to keep FILE, but not to replace it.
  for (const fs::path& previous : previous_files(file)) {
    std::vector<std::string> ids;
    try {
      ids = finished_in(previous);
    } catch (const EnvironmentError&) {
      continue;  // it cannot be read, and keeps nothing
    }
    if (std::ranges::any_of(ids, is_foreign)) kept.push_back(previous);
    for (const std::string& run_id : ids) foreign.erase(run_id);
  }
  if (foreign.empty()) return kept;
  std::vector<fs::path> in_segments = sources;
  if (!in_segments.empty() && in_segments.front() == file) {
    in_segments.erase(in_segments.begin());
    const std::vector<std::string> ids = finished_in(file);
    if (std::ranges::any_of(ids, is_foreign)) {
      kept.push_back(previous_name(file));
      name_also(file, kept.back());
    }
    for (const std::string& run_id : ids) foreign.erase(run_id);
  }
  const fs::path name = previous_name(file);
  SegmentMerge merge(in_segments, name, definition, provenance, is_foreign);
  if (merge.runs() == 0) return kept;
  while (merge.step()) continue;
  kept.push_back(name);
  return kept;
}

std::vector<fs::path> previous_files(const fs::path& file) {
  static const std::regex kBehind(R"(\.previous(\.\d+)?)");
  const std::string start = file.filename().string();
  const fs::path folder = file.parent_path();
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator entry(folder.empty() ? "." : folder, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const bool is_one =
        name.starts_with(start) && std::regex_match(name.substr(start.size()), kBehind);
    if (is_one) paths.push_back(folder / name);
  }
  const bool is_none =
      error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
  if (error && !is_none) {
    throw EnvironmentError(folder.string() + ": cannot read the folder: " + error.message());
  }
  std::ranges::sort(paths);
  return paths;
}

}  // namespace plumbline
