// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/file_settings.hpp"

#include <algorithm>
#include <limits>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "experiments/runner/plan/stages.hpp"
#include "experiments/runner/results/recorded_plan.hpp"
#include "experiments/runner/results/stored_runs.hpp"

namespace plumbline {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

bool is_made_of_segments(const ResultsReader& reader) {
  return reader.attribute("id").ends_with(".segment");
}

/// Puts the values of the plan's runs where these runs stand in the file; the others have none.
template <class Value>
void spread(const std::vector<std::size_t>& places, std::size_t runs, const Value& none,
            std::vector<Value>& values) {
  if (values.empty()) return;
  std::vector<Value> all(runs, none);
  for (std::size_t i = 0; i < places.size(); ++i) all[places[i]] = std::move(values[i]);
  values = std::move(all);
}

}  // namespace

FileSettings::FileSettings(const std::filesystem::path& path, const ResultsReader& reader,
                           const DataFolders& data_folders)
    : reader_(reader) {
  if (!is_made_of_segments(reader)) {
    std::istringstream words(reader.attribute("sweep_axes"));
    for (std::string word; words >> word;) axes_.push_back(word);
    return;
  }
  Plan plan = recorded_plan(path.string(), reader, data_folders);
  StoredRuns stored;
  stored.add(reader);
  add_stages(plan, stored.values());
  const std::vector<std::string> ids = reader.run_ids();
  std::unordered_map<std::string_view, std::size_t> place_of;
  for (std::size_t i = 0; i < ids.size(); ++i) place_of.emplace(ids[i], i);
  std::erase_if(plan.runs, [&](const RunSpec& run) { return !place_of.contains(run.run_id); });
  unknown_runs_ = ids.size() - plan.runs.size();
  if (plan.runs.empty()) return;
  std::vector<std::size_t> places;
  for (const RunSpec& run : plan.runs) places.push_back(place_of.at(run.run_id));
  ResultsLayout layout = results_layout(plan);
  axes_ = std::move(layout.sweep_axes);
  followed_ = std::move(layout.settings);
  for (SettingVariable& variable : followed_) {
    spread(places, ids.size(), kNaN, variable.numbers);
    spread(places, ids.size(), std::string(), variable.texts);
  }
}

std::vector<std::string> FileSettings::settings() const {
  std::vector<std::string> names = reader_.settings();
  for (const SettingVariable& variable : followed_) {
    if (variable.role == "setting") names.push_back(variable.name);
  }
  return names;
}

std::vector<std::string> FileSettings::run_variables() const {
  std::vector<std::string> names = reader_.run_variables();
  for (const SettingVariable& variable : followed_) names.push_back(variable.name);
  return names;
}

const SettingVariable* FileSettings::find(std::string_view name) const {
  const auto found = std::ranges::find(followed_, name, &SettingVariable::name);
  return found == followed_.end() ? nullptr : &*found;
}

}  // namespace plumbline
