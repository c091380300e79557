// SPDX-License-Identifier: Apache-2.0
// Plug-ins and their settings, made in one line of a test.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include "engine/core/settings.hpp"
#include "tests/make_entry.hpp"

namespace plumbline {

/// A setting as a test writes it: {"lr", 0.1}, {"name", "tanh"}.
struct Written {
  Written(std::string written_path, double value)
      : path(std::move(written_path)), node{value, {}} {}
  Written(std::string written_path, int value)
      : path(std::move(written_path)), node{std::int64_t{value}, {}} {}
  Written(std::string written_path, const char* value)
      : path(std::move(written_path)), node{std::string(value), {}} {}

  std::string path;
  SettingNode node;
};

inline SettingsTable table_of(std::initializer_list<Written> settings) {
  SettingsTable table;
  for (const Written& setting : settings) table.set_path(setting.path, setting.node);
  return table;
}

/// What `construct` makes of a reader of these settings, each of which it must ask for.
template <class Construct>
auto read_with(const SettingsTable& given, const Construct& construct) {
  SettingsReport report;
  Settings settings(given, "", report);
  auto made = construct(settings);
  settings.finish();
  for (const Problem& problem : report.problems) ADD_FAILURE() << problem.message;
  return made;
}

/// The plug-in of a catalogue's entry.
template <class Entry>
auto made(const Entry& entry, const SettingsTable& given = {}) {
  return read_with(given, [&entry](Settings& settings) { return make_entry(entry, settings); });
}

/// The plug-in that the catalogue has under this name, which it must have.
template <class Catalogue>
auto made(const Catalogue& catalogue, const char* name, const SettingsTable& given = {}) {
  const auto* entry = catalogue.find(name);
  if (entry == nullptr) throw std::logic_error(std::string("no plug-in ") + name);
  return made(*entry, given);
}

}  // namespace plumbline
