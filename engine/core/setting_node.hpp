// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/core/error.hpp"

namespace plumbline {

struct SettingNode;

/// What a user wrote, as a tree with the place of each value; the order is the order of the text.
/// The engine reads it; whoever reads TOML fills it.
class SettingsTable {
 public:
  const SettingNode* find(std::string_view name) const;
  /// Adds the value, or puts it in the place of the one that has this name.
  SettingNode& set(std::string_view name, SettingNode value);
  /// As set(), for a dotted path such as "model.depth"; makes the tables on the way. A plug-in that
  /// stands there as a bare name becomes the table of that name first, so that
  /// "model.activation.slope" can follow `activation = "leaky_relu"`. Throws DefinitionError where
  /// the path leads through any other value.
  void set_path(std::string_view path, SettingNode value);

  const std::vector<std::pair<std::string, SettingNode>>& entries() const { return entries_; }

 private:
  std::vector<std::pair<std::string, SettingNode>> entries_;
};

using SettingList = std::vector<SettingNode>;

struct SettingNode {
  std::variant<bool, std::int64_t, double, std::string, SettingList, SettingsTable> value;
  Place place;
};

/// "a number", "a text", ...: how messages name the type of a value.
std::string type_name(const SettingNode& node);

/// What is wrong with a word that is a decimal number and that no setting can hold, such as 1e400; empty
/// for any other word.
std::string range_problem(const std::string& word);

/// The value as a TOML reader would accept it again: text in quotes, doubles with the fewest digits
/// that give the same bits, lists in brackets.
std::string to_string(const SettingNode& node);

/// The fewest digits that give the same bits.
std::string shortest(double value);

}  // namespace plumbline
