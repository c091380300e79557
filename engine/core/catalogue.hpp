// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/core/settings.hpp"

namespace plumbline {

/// What a plug-in says of itself; every table, page and schema about it is made from this.
struct PluginInfo {
  std::string name = {};     ///< set by the catalogue from the name of the plug-in's file
  std::string summary = {};  ///< one sentence
  std::string formula = {};
  std::string paper = {};  ///< authors, title, venue, year, arXiv or DOI
  std::vector<SettingInfo> settings = {};
};

/// All plug-ins of one kind, sorted by name. An Entry has a PluginInfo `info` and a function that
/// makes the plug-in from its settings.
template <class Entry>
class Catalogue {
 public:
  Catalogue(std::string kind, std::vector<std::pair<std::string, Entry>> entries)
      : kind_(std::move(kind)) {
    std::ranges::sort(entries, {}, &std::pair<std::string, Entry>::first);
    for (auto& [name, entry] : entries) {
      entry.info.name = name;
      names_.push_back(name);
      entries_.push_back(std::move(entry));
    }
  }

  /// The plural that documents and commands use: "activations".
  const std::string& kind() const { return kind_; }
  const std::vector<std::string>& names() const { return names_; }
  const std::vector<Entry>& entries() const { return entries_; }

  /// Null where there is no plug-in of that name.
  const Entry* find(std::string_view name) const {
    const auto found = std::ranges::lower_bound(names_, name);
    if (found == names_.end() || *found != name) return nullptr;
    return &entries_[static_cast<std::size_t>(found - names_.begin())];
  }

 private:
  std::string kind_;
  std::vector<std::string> names_;
  std::vector<Entry> entries_;
};

/// The settings that `construct` declares, found by letting it read an empty table.
template <class Construct>
std::vector<SettingInfo> declared_settings(const Construct& construct) {
  const SettingsTable empty;
  SettingsReport report;
  Settings settings = Settings::declaring(empty, report);
  construct(settings);
  return settings.declared();
}

/// A plug-in that a definition names, with the settings it gives. `entry` is null where the name is
/// unknown, which the report then says.
template <class Entry>
struct Chosen {
  const Entry* entry = nullptr;
  Settings::Plugin plugin;

  /// Calls `construct(entry, settings)` with a reader of the given settings, reports those that it
  /// did not ask for, and returns what it returned. Needs `entry`.
  template <class Construct>
  auto make(SettingsReport& report, const Construct& construct) const {
    Settings settings(plugin.given, plugin.path, report, plugin.place);
    settings.belong_to(plugin.name);
    auto made = construct(*entry, settings);
    settings.finish();
    return made;
  }

  /// Reports what is wrong in the given settings by themselves, where make() cannot be called because
  /// what `construct` needs beside them is wrong itself: calls it as make() does, but for its
  /// declarations alone.
  template <class Construct>
  void check(SettingsReport& report, const Construct& construct) const {
    Settings settings = Settings::declaring(plugin.given, report, plugin.path, plugin.place);
    settings.belong_to(plugin.name);
    construct(*entry, settings);
    settings.finish();
  }
};

template <class Entry>
Chosen<Entry> choose(Settings& settings, std::string_view name, std::string_view default_value,
                     const Catalogue<Entry>& catalogue, std::string_view meaning) {
  Settings::Plugin plugin =
      settings.plugin(name, default_value, catalogue.names(), catalogue.kind(), meaning);
  const Entry* entry = catalogue.find(plugin.name);
  if (entry != nullptr) settings.holds(name, plugin.name, entry->info.settings);
  return {entry, std::move(plugin)};
}

/// As choose(), for a plug-in that holds another of its own kind, such as a schedule with a warm-up
/// before it. Chooses none while the settings are only being declared: the catalogue is not made yet.
template <class Entry>
Chosen<Entry> choose_inner(Settings& settings, std::string_view name,
                           std::string_view default_value, std::string_view kind,
                           const Catalogue<Entry>& (*catalogue)(), std::string_view meaning) {
  if (settings.only_declares()) {
    settings.plugin(name, default_value, {std::string(default_value)}, kind, meaning);
    return {};
  }
  return choose(settings, name, default_value, catalogue(), meaning);
}

/// As choose(), where the whole table that `settings` reads is the plug-in.
template <class Entry>
Chosen<Entry> choose_here(Settings& settings, std::string_view default_value,
                          const Catalogue<Entry>& catalogue) {
  Settings::Plugin plugin =
      settings.plugin_here(default_value, catalogue.names(), catalogue.kind());
  return {catalogue.find(plugin.name), std::move(plugin)};
}

}  // namespace plumbline
