// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/setting_keys.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace plumbline {

namespace {

const std::vector<std::string> kPluginTables{"data", "loss", "optimizer", "schedule"};
constexpr std::string_view kName = ".name";

std::string_view without_name(std::string_view key) {
  return key.ends_with(kName) ? key.substr(0, key.size() - kName.size()) : key;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool names_a_plugin_table(std::string_view key, const SettingNode& value) {
  return std::holds_alternative<std::string>(value.value) && contains(kPluginTables, key);
}

void collect(const SettingsTable& table, const std::string& path,
             bool (*is_value)(std::string_view, const SettingsTable&),
             std::vector<WrittenSetting>& settings) {
  for (const auto& [name, node] : table.entries()) {
    const std::string key = path.empty() ? name : path + '.' + name;
    const auto* inner = std::get_if<SettingsTable>(&node.value);
    if (inner == nullptr || inner->entries().empty() || is_value(key, *inner)) {
      settings.push_back({key, &node});
    } else {
      collect(*inner, key, is_value, settings);
    }
  }
}

const SettingNode& name_of(const SettingNode& plugin) {
  const auto* table = std::get_if<SettingsTable>(&plugin.value);
  const SettingNode* name = table == nullptr ? nullptr : table->find("name");
  return name == nullptr ? plugin : *name;
}

bool is_one_of(const SettingNode& given, const SettingList& values) {
  return std::ranges::any_of(values,
                             [&](const SettingNode& value) { return has_value(given, value); });
}

}  // namespace

const std::vector<std::string>& run_tables() {
  static const std::vector<std::string> tables{"data",  "model",  "loss",   "optimizer", "schedule",
                                               "train", "budget", "engine", "probes"};
  return tables;
}

std::string_view first_part(std::string_view key) { return key.substr(0, key.find('.')); }

bool is_same_setting(std::string_view one, std::string_view other) {
  return without_name(one) == without_name(other);
}

bool fits_table(std::string_view key, const SettingNode& value) {
  return !contains(run_tables(), key) || std::holds_alternative<SettingsTable>(value.value) ||
         names_a_plugin_table(key, value);
}

std::vector<WrittenSetting> written_settings(const SettingsTable& table) {
  return written_settings(table, [](std::string_view, const SettingsTable&) { return false; });
}

std::vector<WrittenSetting> written_settings(const SettingsTable& table,
                                             bool (*is_value)(std::string_view,
                                                              const SettingsTable&)) {
  std::vector<WrittenSetting> settings;
  collect(table, "", is_value, settings);
  std::ranges::stable_sort(settings, {}, [](const WrittenSetting& setting) {
    return std::tuple(setting.node->place.line, setting.node->place.column);
  });
  return settings;
}

const SettingNode* found_at(const SettingsTable& table, std::string_view path) {
  const std::size_t dot = path.find('.');
  const SettingNode* found = table.find(path.substr(0, dot));
  if (found == nullptr || dot == path.npos) return found;
  const auto* inner = std::get_if<SettingsTable>(&found->value);
  return inner == nullptr ? nullptr : found_at(*inner, path.substr(dot + 1));
}

const SettingNode* value_given(const SettingsTable& settings, std::string_view key) {
  const std::string_view bare = without_name(key);
  const SettingNode* found = found_at(settings, bare);
  if (found == nullptr) return nullptr;
  const auto* table = std::get_if<SettingsTable>(&found->value);
  // A table without a name gives settings of the plug-in, and not which one it is.
  if (table == nullptr || table->find("name") != nullptr) return found;
  return bare == key && !contains(kPluginTables, bare) ? found : nullptr;
}

bool has_value(const SettingNode& given, const SettingNode& wanted) {
  if (const auto* table = std::get_if<SettingsTable>(&wanted.value)) {
    const auto* values = std::get_if<SettingsTable>(&given.value);
    if (values == nullptr) {
      return table->entries().size() == 1 && has_value(given, name_of(wanted));
    }
    return std::ranges::all_of(table->entries(), [&](const auto& entry) {
      const SettingNode* value = values->find(entry.first);
      return value != nullptr && has_value(*value, entry.second);
    });
  }
  const SettingNode& value = name_of(given);
  const auto* integer = std::get_if<std::int64_t>(&value.value);
  const auto* number = std::get_if<double>(&wanted.value);
  if (integer != nullptr && number != nullptr) return static_cast<double>(*integer) == *number;
  if (std::holds_alternative<double>(value.value) &&
      std::holds_alternative<std::int64_t>(wanted.value)) {
    return has_value(wanted, value);
  }
  return value.value.index() == wanted.value.index() && to_string(value) == to_string(wanted);
}

bool holds(const Condition& condition, const SettingsTable& settings) {
  const SettingNode* given = value_given(settings, condition.key);
  return given != nullptr && is_one_of(*given, condition.values);
}

std::vector<SweepAxis>::iterator find_axis(std::vector<SweepAxis>& axes, std::string_view key) {
  return std::ranges::find_if(axes, [&](const SweepAxis& axis) {
    return std::ranges::any_of(axis.keys,
                               [&](const std::string& own) { return is_same_setting(own, key); });
  });
}

void end_axis_of(std::vector<SweepAxis>& axes, std::string_view key) {
  const auto axis = find_axis(axes, key);
  if (axis == axes.end()) return;
  const auto is_ended = [&](const std::string& own) { return is_same_setting(own, key); };
  for (std::size_t k = axis->keys.size(); k-- > 0;) {
    if (is_ended(axis->keys[k]) && !axis->when.empty()) {
      axis->when.erase(axis->when.begin() + static_cast<std::ptrdiff_t>(k));
    }
  }
  std::erase_if(axis->keys, is_ended);
  if (axis->keys.empty()) {
    axes.erase(axis);
    return;
  }
  std::set<std::string> seen;
  std::vector<AxisPoint> different;
  for (AxisPoint& point : axis->points) {
    std::erase_if(point, [&](const Assignment& one) { return is_ended(one.key); });
    std::string text;
    for (const Assignment& one : point) text += to_string(one.value) + '\n';
    if (seen.insert(text).second) different.push_back(std::move(point));
  }
  axis->points = std::move(different);
}

SweepAxis grid_axis(const std::string& key, const SettingList& values, const Place& place) {
  SweepAxis axis{{key}, {}, place};
  for (const SettingNode& value : values) axis.points.push_back({{key, value}});
  return axis;
}

void apply_setting(SettingsTable& settings, std::string_view key, const SettingNode& value) {
  const bool is_name = names_a_plugin_table(key, value);
  settings.set_path(is_name ? std::string(key) + std::string(kName) : std::string(key), value);
}

std::vector<const Assignment*> apply_point(SettingsTable& settings, const SweepAxis& axis,
                                           std::size_t point) {
  std::vector<const Assignment*> set;
  for (std::size_t k = 0; k < axis.keys.size(); ++k) {
    const auto is_met = [&](const Condition& condition) { return holds(condition, settings); };
    if (!axis.when.empty() && !std::ranges::all_of(axis.when[k], is_met)) continue;
    const Assignment& one = axis.points[point][k];
    apply_setting(settings, one.key, one.value);
    set.push_back(&one);
  }
  return set;
}

}  // namespace plumbline
