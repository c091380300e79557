// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/kept_runs.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "experiments/runner/results/previous_runs.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/seal.hpp"
#include "experiments/runner/results/store_paths.hpp"

namespace plumbline {

namespace fs = std::filesystem;

KeptRuns::KeptRuns(const fs::path& file) {
  if (is_there(StorePaths(file).fresh)) return;
  for (const fs::path& path : previous_files(file)) {
    if (!has_whole_seal(path)) continue;
    add_file(path);
  }
}

void KeptRuns::remove_superseded(const Plan& plan, const StoredRuns& published) const {
  std::unordered_set<std::string_view> in_file;
  for (const RunSpec& run : plan.runs) {
    if (published.is_finished(run.run_id)) in_file.insert(run.run_id);
  }
  for (const fs::path& path : files()) {
    StoredRuns kept;
    kept.add(ResultsReader(path));
    const std::vector<std::string> ids = kept.finished_ids();
    const auto is_in_file = [&](const std::string& run_id) { return in_file.contains(run_id); };
    std::error_code error;
    if (std::ranges::all_of(ids, is_in_file)) fs::remove(path, error);
  }
}

}  // namespace plumbline
