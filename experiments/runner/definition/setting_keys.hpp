// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "experiments/runner/definition/definition.hpp"

namespace plumbline {

/// The tables whose settings runs are made of: data, model, loss, ...
const std::vector<std::string>& run_tables();

/// "model" of "model.depth".
std::string_view first_part(std::string_view key);

/// Whether two keys mean one setting: "model.activation" and "model.activation.name" do.
bool is_same_setting(std::string_view one, std::string_view other);

/// Whether a whole table may have this value: a table, or the name of the plug-in that it stands for.
/// True for any value of a key that is no table.
bool fits_table(std::string_view key, const SettingNode& value);

/// A value with the dotted key under which it stands.
struct WrittenSetting {
  std::string key;
  const SettingNode* node;
};

/// All values that are no tables, or empty ones, in the order of the text: a dotted key may return to
/// a table that an earlier line began, so the tree's order is not the order of the lines.
std::vector<WrittenSetting> written_settings(const SettingsTable& table);

/// The same, but that a table of which `is_value` says so is a value.
std::vector<WrittenSetting> written_settings(const SettingsTable& table,
                                             bool (*is_value)(std::string_view key,
                                                              const SettingsTable& table));

/// What stands at a dotted path; null for nothing.
const SettingNode* found_at(const SettingsTable& table, std::string_view path);

/// The value that a setting is given, as is_same_setting() means its key; null where it is not.
const SettingNode* value_given(const SettingsTable& settings, std::string_view key);

/// Whether a setting that is given as `given` has the value `wanted`: 1 and 1.0 are one number, the
/// name of a plug-in is that of any table with the name, and a table needs no more than what it says.
bool has_value(const SettingNode& given, const SettingNode& wanted);

bool holds(const Condition& condition, const SettingsTable& settings);

/// The axis that gives the setting a value; `axes.end()` where none does.
std::vector<SweepAxis>::iterator find_axis(std::vector<SweepAxis>& axes, std::string_view key);

/// Takes a setting from the axis that gives it, if one does; of points that are then equal one stays,
/// and an axis without settings goes.
void end_axis_of(std::vector<SweepAxis>& axes, std::string_view key);

}  // namespace plumbline
