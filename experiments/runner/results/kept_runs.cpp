// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/kept_runs.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_set>

#include "engine/core/error.hpp"
#include "experiments/runner/results/found_runs.hpp"
#include "experiments/runner/results/previous_runs.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/seal.hpp"
#include "experiments/runner/results/store_paths.hpp"

namespace plumbline {

namespace fs = std::filesystem;

RunsElsewhere kept_runs(const fs::path& file) {
  RunsElsewhere kept;
  if (is_there(StorePaths(file).fresh)) return kept;
  for (const fs::path& path : previous_files(file)) {
    try {
      kept.add(FoundRuns(path));
    } catch (const EnvironmentError&) {  // it stays for whoever can mend it
    }
  }
  return kept;
}

void remove_superseded(const RunsElsewhere& kept, const Plan& plan, const StoredRuns& published) {
  std::unordered_set<std::string_view> in_file;
  for (const RunSpec& run : plan.runs) {
    if (published.is_finished(run.run_id)) in_file.insert(run.run_id);
  }
  const auto is_in_file = [&](const std::string& run_id) { return in_file.contains(run_id); };
  for (const fs::path& path : kept.files()) {
    try {
      if (!has_whole_seal(path)) continue;  // it may hold more than it seems to
      StoredRuns runs;
      runs.add(ResultsReader(path));
      std::error_code error;
      if (std::ranges::all_of(runs.finished_ids(), is_in_file)) fs::remove(path, error);
    } catch (const EnvironmentError&) {  // FILE is whole all the same
    }
  }
}

}  // namespace plumbline
