// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/sweep_reader.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace plumbline {

std::string point_text(const AxisPoint& point) {
  std::string text;
  for (const Assignment& one : point) {
    text += (text.empty() ? "" : ", ") + one.key + " = " + to_string(one.value);
  }
  return text;
}

std::vector<SettingInfo> SweepReader::settings() {
  return {{"seeds",
           "integer",
           {std::int64_t{1}, {}},
           "in [1, " + std::to_string(kMostSeeds) + "], or a list",
           "runs that differ in the seed alone: so many from train.seed on, or those of the list",
           between(1, kMostSeeds)},
          {"grid",
           "table",
           {SettingsTable(), {}},
           "KEY = [values]",
           "an axis for each key, such as model.depth = [2, 8]; the first varies slowest"},
          {"zip",
           "tables",
           {SettingsTable(), {}},
           "KEY = [values]",
           "[[sweep.zip]]: one axis for all keys of the table, whose values move together"},
          {"exclude",
           "tables",
           {SettingsTable(), {}},
           "KEY = value or [values]",
           "[[sweep.exclude]]: runs in which each of the keys has the value, or one of them, are "
           "left out"}};
}

Sweep SweepReader::read(const SettingNode& node) {
  sweep_ = {};
  const auto* sweep = std::get_if<SettingsTable>(&node.value);
  if (sweep == nullptr) {
    mistakes_.wrong_type("sweep", node, "a table");
    return {};
  }
  for (const auto& [key, value] : sweep->entries()) {
    if (key == "seeds") {
      sweep_.seeds = value;
    } else if (key == "grid") {
      read_grid(value);
    } else if (key == "zip") {
      read_zips(value);
    } else if (key == "exclude") {
      read_exclusions(value);
    } else {
      std::vector<std::string> known;
      for (const SettingInfo& setting : settings()) known.push_back(setting.name);
      mistakes_.unknown("sweep." + key, key, value.place, known);
    }
  }
  // [sweep.grid] and [[sweep.zip]] may stand in either order.
  std::ranges::stable_sort(sweep_.axes, {}, [](const SweepAxis& axis) {
    return std::pair(axis.place.line, axis.place.column);
  });
  return std::move(sweep_);
}

void SweepReader::read_grid(const SettingNode& node) {
  const auto* grid = std::get_if<SettingsTable>(&node.value);
  if (grid == nullptr) return mistakes_.wrong_type("sweep.grid", node, "a table");
  for (const WrittenSetting& setting : written_settings(*grid)) {
    const SettingList* values = new_axis_values(setting);
    if (values == nullptr) continue;
    const SettingList usable = usable_values(setting.key, *values, setting.node->place);
    if (!usable.empty()) {
      sweep_.axes.push_back(grid_axis(setting.key, usable, setting.node->place));
    }
  }
}

// The values of an axis that begins here, whatever they are; null, with a mistake, where none can.
const SettingList* SweepReader::new_axis_values(const WrittenSetting& setting) {
  const Place& place = setting.node->place;
  if (!is_of_runs(setting.key, place)) return nullptr;
  const auto* values = std::get_if<SettingList>(&setting.node->value);
  if (values == nullptr) {
    mistakes_.wrong_type(setting.key, *setting.node, "a list of values, which makes an axis");
    return nullptr;
  }
  if (const auto same = find_axis(sweep_.axes, setting.key); same != sweep_.axes.end()) {
    mistakes_.add(place, "'" + setting.key + "' is an axis already, at " + to_string(same->place));
    return nullptr;
  }
  return values;
}

std::optional<SettingList> SweepReader::tables_of(std::string_view key, const SettingNode& node) {
  const auto* tables = std::get_if<SettingList>(&node.value);
  if (tables == nullptr) {
    mistakes_.wrong_type(key, node, "a list of tables, [[" + std::string(key) + "]]");
    return std::nullopt;
  }
  SettingList usable;
  for (const SettingNode& table : *tables) {
    const auto* entries = std::get_if<SettingsTable>(&table.value);
    if (entries == nullptr) {
      mistakes_.wrong_type(key, table, "a table");
    } else if (entries->entries().empty()) {
      mistakes_.add(table.place, "'" + std::string(key) + "' has no keys");
    } else {
      usable.push_back(table);
    }
  }
  return usable;
}

void SweepReader::read_zips(const SettingNode& node) {
  const std::optional<SettingList> tables = tables_of("sweep.zip", node);
  if (!tables) return;
  for (const SettingNode& table : *tables) read_zip(table);
}

void SweepReader::read_zip(const SettingNode& node) {
  std::vector<WrittenSetting> settings = written_settings(std::get<SettingsTable>(node.value));
  SweepAxis axis{{}, {}, node.place};
  const WrittenSetting* first = nullptr;
  bool is_right = true;
  for (const WrittenSetting& setting : settings) {
    const SettingList* values = new_axis_values(setting);
    const bool is_seed = setting.key == "train.seed";
    const auto same = std::ranges::find_if(
        axis.keys, [&](const std::string& key) { return is_same_setting(key, setting.key); });
    if (is_seed) {
      mistakes_.add(setting.node->place,
                    "'train.seed' does not move together with others; 'sweep.seeds' gives the "
                    "seeds, the innermost axis");
    } else if (same != axis.keys.end()) {
      mistakes_.add(setting.node->place,
                    "'" + setting.key + "' is an axis already, at " + to_string(node.place));
    } else if (values != nullptr && values->empty()) {
      mistakes_.add(setting.node->place, "'" + setting.key + "' is an axis without values");
    }
    if (values == nullptr || values->empty() || is_seed || same != axis.keys.end()) {
      is_right = false;
      continue;
    }
    if (first != nullptr && values->size() != axis.points.size()) {
      mistakes_.add(setting.node->place,
                    "'" + setting.key + "' has " + std::to_string(values->size()) +
                        (values->size() == 1 ? " value and '" : " values and '") + first->key +
                        "', at " + to_string(first->node->place) + ", has " +
                        std::to_string(axis.points.size()) +
                        "; settings that move together have equally many");
      is_right = false;
      continue;
    }
    if (first == nullptr) axis.points.resize(values->size());
    first = first == nullptr ? &setting : first;
    axis.keys.push_back(setting.key);
    for (std::size_t i = 0; i < values->size(); ++i) {
      is_right = fits(setting.key, (*values)[i]) && is_right;
      axis.points[i].push_back({setting.key, (*values)[i]});
    }
  }
  if (!is_right) return;
  std::set<std::string> seen;
  for (const AxisPoint& point : axis.points) {
    if (seen.insert(point_text(point)).second) continue;
    mistakes_.add(point.front().value.place,
                  "'sweep.zip' has the values " + point_text(point) + " twice");
    is_right = false;
  }
  if (is_right) sweep_.axes.push_back(std::move(axis));
}

void SweepReader::read_exclusions(const SettingNode& node) {
  const std::optional<SettingList> tables = tables_of("sweep.exclude", node);
  if (!tables) return;
  for (const SettingNode& table : *tables) {
    Exclusion exclusion{{}, table.place};
    for (const WrittenSetting& setting : written_settings(std::get<SettingsTable>(table.value))) {
      if (!is_of_runs(setting.key, setting.node->place)) continue;
      const auto* list = std::get_if<SettingList>(&setting.node->value);
      if (list != nullptr && list->empty()) {
        mistakes_.add(setting.node->place, "'" + setting.key + "' excludes none of its values");
        continue;
      }
      Condition condition{setting.key, list == nullptr ? SettingList{*setting.node} : *list};
      // A setting that is itself a list may have this one.
      if (list != nullptr) condition.values.push_back(*setting.node);
      exclusion.conditions.push_back(std::move(condition));
    }
    if (!exclusion.conditions.empty()) sweep_.exclusions.push_back(std::move(exclusion));
  }
}

SettingList SweepReader::usable_values(std::string_view key, const SettingList& values,
                                       const Place& place) {
  if (values.empty()) mistakes_.add(place, "'" + std::string(key) + "' is an axis without values");
  SettingList usable;
  std::set<std::string> seen;
  for (const SettingNode& value : values) {
    const std::string text = to_string(value);
    if (!seen.insert(text).second) {
      mistakes_.add(value.place, "'" + std::string(key) + "' has the value " + text + " twice");
    } else if (fits(key, value)) {
      usable.push_back(value);
    }
  }
  return usable;
}

bool SweepReader::fits(std::string_view key, const SettingNode& value) {
  if (fits_table(key, value)) return true;
  mistakes_.wrong_type(key, value, "a table");
  return false;
}

bool SweepReader::is_of_runs(const std::string& key, const Place& place) {
  if (std::ranges::find(run_tables(), first_part(key)) != run_tables().end()) return true;
  mistakes_.unknown(key, first_part(key), place, run_tables());
  return false;
}

}  // namespace plumbline
