// SPDX-License-Identifier: Apache-2.0
#include "engine/training/resolved_settings.hpp"

#include <algorithm>
#include <variant>

namespace plumbline {

namespace {

// As they were written, and where.
bool is_same(const SettingNode& a, const SettingNode& b) {
  if (a.place != b.place || a.value.index() != b.value.index()) return false;
  if (const auto* list = std::get_if<SettingList>(&a.value)) {
    return std::ranges::equal(
        *list, std::get<SettingList>(b.value),
        [](const SettingNode& one, const SettingNode& other) { return is_same(one, other); });
  }
  return !std::holds_alternative<SettingsTable>(a.value) && to_string(a) == to_string(b);
}

bool is_same(const ResolvedSetting& a, const ResolvedSetting& b) {
  return a.key == b.key && a.restates == b.restates && is_same(a.value, b.value);
}

}  // namespace

ResolvedSettings::ResolvedSettings(std::vector<ResolvedSetting> settings) {
  settings_.reserve(settings.size());
  for (ResolvedSetting& setting : settings) push_back(std::move(setting));
}

void ResolvedSettings::share_with(const ResolvedSettings& other) {
  const std::size_t both = std::min(settings_.size(), other.settings_.size());
  for (std::size_t i = 0; i < both; ++i) {
    if (is_same(*settings_[i], *other.settings_[i])) settings_[i] = other.settings_[i];
  }
}

}  // namespace plumbline
