// SPDX-License-Identifier: Apache-2.0
// Settings as a definition gives them, with the places where they stand.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/settings.hpp"

namespace plumbline {

inline Place at(int line, int column = 7) { return {"net.toml", line, column}; }

template <typename T>
SettingNode node(T value, int line = 1) {
  return {std::move(value), at(line)};
}
inline SettingNode text(const char* value, int line = 1) { return {std::string(value), at(line)}; }
inline SettingNode integer(std::int64_t value, int line = 1) { return {value, at(line)}; }

inline SettingsTable table(std::vector<std::pair<const char*, SettingNode>> entries) {
  SettingsTable result;
  for (auto& [name, value] : entries) result.set(name, std::move(value));
  return result;
}

}  // namespace plumbline
