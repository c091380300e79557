// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/settings.hpp"
#include "tests/make_entry.hpp"

namespace plumbline {

inline SettingNode node(const char* text, Place place = {}) { return {std::string(text), place}; }
inline SettingNode node(const std::string& text, Place place = {}) { return {text, place}; }
inline SettingNode node(std::same_as<bool> auto flag, Place place = {}) { return {flag, place}; }
inline SettingNode node(std::floating_point auto number, Place place = {}) {
  return {static_cast<double>(number), place};
}
template <std::integral Integer>
  requires(!std::same_as<Integer, bool>)
SettingNode node(Integer number, Place place = {}) {
  return {static_cast<std::int64_t>(number), place};
}
template <std::integral Integer>
SettingNode node(const std::vector<Integer>& numbers, Place place = {}) {
  SettingList list;
  for (const Integer number : numbers) list.push_back(node(number));
  return {list, place};
}

/// A dotted path with its value.
using Setting = std::pair<std::string, SettingNode>;

inline SettingsTable settings_table(const std::vector<Setting>& settings) {
  SettingsTable table;
  for (const auto& [path, value] : settings) table.set_path(path, value);
  return table;
}

/// Makes the plug-in of this name with these settings of its own.
template <class Catalogue>
auto make_plugin(const Catalogue& catalogue, const std::string& name,
                 const std::vector<Setting>& own = {}) {
  const SettingsTable table = settings_table(own);
  SettingsReport report;
  Settings settings(table, "", report);
  auto made = make_entry(*catalogue.find(name), settings);
  settings.finish();
  if (!report.problems.empty()) throw DefinitionError(report.problems);
  return made;
}

}  // namespace plumbline
