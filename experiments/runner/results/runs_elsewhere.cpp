// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/runs_elsewhere.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "engine/core/error.hpp"
#include "experiments/runner/results/found_runs.hpp"
#include "experiments/runner/results/results_file.hpp"

namespace plumbline {

namespace fs = std::filesystem;

RunsElsewhere::RunsElsewhere(const std::vector<fs::path>& results) {
  for (const fs::path& path : results) {
    try {
      const FoundRuns found(path);
      runs_.add(found.stored());
      for (const FoundSource& source : found.sources()) files_.push_back(source.path);
    } catch (const EnvironmentError&) {  // who merges it is told
    }
  }
}

void RunsElsewhere::add_file(const fs::path& path) {
  runs_.add(ResultsReader(path));
  files_.push_back(path);
}

std::size_t RunsElsewhere::give(const Plan& plan, SweepStore& store) const {
  std::unordered_set<std::string_view> wanted;
  for (const RunSpec& run : plan.runs) {
    if (runs_.is_finished(run.run_id) && !store.runs().is_finished(run.run_id)) {
      wanted.insert(run.run_id);
    }
  }
  std::size_t given = 0;
  for (const fs::path& path : files_) {
    if (given == wanted.size()) break;
    std::unique_ptr<ResultsReader> reader;
    std::vector<std::string> ids;
    std::vector<RunStatus> statuses;
    try {
      reader = std::make_unique<ResultsReader>(path);
      ids = reader->run_ids();
      statuses = reader->statuses();
    } catch (const EnvironmentError&) {
      continue;  // a segment that was merged into another file by now
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const bool is_wanted = is_finished(statuses[i]) && wanted.contains(ids[i]);
      if (!is_wanted || store.runs().is_finished(ids[i])) continue;
      RunRecord record;
      RunPlace place;
      try {
        record = reader->read(i);
        place = reader->place(i);
      } catch (const EnvironmentError&) {
        continue;
      }
      store.append(ids[i], std::move(record), place);
      ++given;
    }
  }
  return given;
}

}  // namespace plumbline
