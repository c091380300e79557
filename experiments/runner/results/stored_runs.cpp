// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/stored_runs.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "experiments/runner/results/found_runs.hpp"

namespace plumbline {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

StoredRuns::StoredRuns(const std::filesystem::path& file) : StoredRuns(FoundRuns(file).stored()) {}

RunStatus StoredRuns::status(const std::string& run_id) const {
  const auto found = runs_.find(run_id);
  return found == runs_.end() ? RunStatus::pending : found->second.status;
}

bool StoredRuns::is_finished(const std::string& run_id) const {
  return plumbline::is_finished(status(run_id));
}

double StoredRuns::number(const std::string& run_id, std::string_view name) const {
  const auto found = runs_.find(run_id);
  if (found == runs_.end()) return kNaN;
  const auto place = static_cast<std::size_t>(std::ranges::find(names_, name) - names_.begin());
  return place < found->second.summary.size() ? found->second.summary[place] : kNaN;
}

RunValue StoredRuns::values() const {
  return [this](const RunSpec& run, const Criterion& by) -> std::optional<double> {
    const RunStatus reached = status(run.run_id);
    if (reached == RunStatus::pending) return std::nullopt;
    return reached == RunStatus::complete ? number(run.run_id, by.metric) : kNaN;
  };
}

std::size_t StoredRuns::finished() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      runs_, [](const auto& run) { return plumbline::is_finished(run.second.status); }));
}

std::vector<std::string> StoredRuns::finished_ids() const {
  std::vector<std::string> ids;
  for (const auto& [run_id, run] : runs_) {
    if (plumbline::is_finished(run.status)) ids.push_back(run_id);
  }
  return ids;
}

std::size_t StoredRuns::place_of(std::string_view name) {
  const auto found = std::ranges::find(names_, name);
  if (found == names_.end()) return names_.emplace_back(name), names_.size() - 1;
  return static_cast<std::size_t>(found - names_.begin());
}

void StoredRuns::add(const std::string& run_id, const RunRecord& record) {
  Run run{record.status, {}};
  for (const auto& [name, value] : record.summary) {
    const std::size_t place = place_of(name);
    if (run.summary.size() <= place) run.summary.resize(place + 1, kNaN);
    run.summary[place] = value;
  }
  runs_.insert_or_assign(run_id, std::move(run));
}

void StoredRuns::add(const ResultsReader& reader, const UnreadableRuns& unreadable) {
  const std::vector<std::string> ids = reader.run_ids();
  const std::vector<RunStatus> statuses = reader.statuses();
  const auto summary = reader.summary();
  std::vector<std::size_t> places;
  for (const auto& [name, values] : summary) places.push_back(place_of(name));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (statuses[i] == RunStatus::pending || unreadable.contains(ids[i])) continue;
    if (!supersedes(statuses[i], status(ids[i]))) continue;
    Run run{statuses[i], std::vector<double>(names_.size(), kNaN)};
    for (std::size_t k = 0; k < places.size(); ++k) run.summary[places[k]] = summary[k].second[i];
    runs_.insert_or_assign(ids[i], std::move(run));
  }
}

void StoredRuns::add(const StoredRuns& other) {
  std::vector<std::size_t> places;
  for (const std::string& name : other.names_) places.push_back(place_of(name));
  for (const auto& [run_id, of_other] : other.runs_) {
    if (!supersedes(of_other.status, status(run_id))) continue;
    Run run{of_other.status, std::vector<double>(names_.size(), kNaN)};
    for (std::size_t k = 0; k < of_other.summary.size(); ++k) {
      run.summary[places[k]] = of_other.summary[k];
    }
    runs_.insert_or_assign(run_id, std::move(run));
  }
}

void StoredRuns::remove(const std::string& run_id) { runs_.erase(run_id); }

}  // namespace plumbline
