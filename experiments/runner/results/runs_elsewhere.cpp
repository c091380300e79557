// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/runs_elsewhere.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engine/core/error.hpp"
#include "experiments/runner/results/results_file.hpp"

namespace plumbline {

namespace fs = std::filesystem;

namespace {

/// Reads runs of one file, one after the other.
class RunReader {
 public:
  explicit RunReader(fs::path path) : path_(std::move(path)) {}

  /// Nothing where the run cannot be read, or does not stand there finished any more.
  std::optional<FinishedRun> read(const std::string& run_id, std::size_t index) {
    try {
      if (!reader_) {
        reader_ = std::make_unique<ResultsReader>(path_);
        ids_ = reader_->run_ids();
      }
      if (index >= ids_.size() || ids_[index] != run_id) return std::nullopt;
      FinishedRun run{run_id, reader_->read(index), reader_->place(index)};
      if (!is_finished(run.record.status)) return std::nullopt;
      return run;
    } catch (const EnvironmentError&) {
      return std::nullopt;
    }
  }

 private:
  fs::path path_;
  std::unique_ptr<ResultsReader> reader_;
  std::vector<std::string> ids_;
};

/// Returns how many it has given, and in `missed` how many could not be read.
std::size_t give_of(const FoundRuns& found, const Plan& plan, SweepStore& store,
                    std::size_t& missed) {
  std::vector<std::vector<const std::string*>> of_source(found.sources().size());
  for (const RunSpec& run : plan.runs) {
    const auto place = found.runs().find(run.run_id);
    const bool is_wanted = place != found.runs().end() && is_finished(place->second.status) &&
                           !store.runs().is_finished(run.run_id);
    if (is_wanted) of_source[place->second.source].push_back(&run.run_id);
  }
  std::size_t given = 0;
  missed = 0;
  for (std::size_t source = 0; source < of_source.size(); ++source) {
    RunReader reader(found.sources()[source].path);
    for (const std::string* run_id : of_source[source]) {
      std::optional<FinishedRun> run = reader.read(*run_id, found.runs().at(*run_id).index);
      if (run) {
        store.append(*run_id, std::move(run->record), run->place);
        ++given;
      } else {
        ++missed;
      }
    }
  }
  return given;
}

}  // namespace

void RunsElsewhere::add(FoundRuns found) {
  StoredRuns finished = found.stored();
  for (const auto& [run_id, run] : found.runs()) {
    if (!is_finished(run.status)) finished.remove(run_id);
  }
  runs_.add(finished);
  found_.push_back(std::move(found));
}

std::vector<fs::path> RunsElsewhere::files() const {
  std::vector<fs::path> files;
  for (const FoundRuns& found : found_) files.push_back(found.file());
  return files;
}

std::size_t RunsElsewhere::give(const Plan& plan, SweepStore& store) const {
  std::size_t given = 0;
  for (const FoundRuns& found : found_) {
    std::size_t missed = 0;
    given += give_of(found, plan, store, missed);
    if (missed == 0) continue;
    std::optional<FoundRuns> now;
    try {
      now.emplace(found.file());
    } catch (const EnvironmentError&) {
      continue;
    }
    given += give_of(*now, plan, store, missed);
  }
  return given;
}

}  // namespace plumbline
