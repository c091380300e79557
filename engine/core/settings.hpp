// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/core/setting_node.hpp"

namespace plumbline {

/// The values that a number may take. Bounds are included unless said otherwise.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_included = true;
  bool high_included = true;

  /// False for NaN and infinities.
  bool contains(double value) const;
  /// "> 0", "in [0, 1)", "any".
  std::string text() const;
};

inline constexpr Range kAny{};
inline constexpr Range kPositive{.low = 0, .low_included = false};
inline constexpr Range kNonNegative{.low = 0};
/// [0, 1): decay rates of moving averages.
inline constexpr Range kDecay{.low = 0, .high = 1, .high_included = false};
constexpr Range at_least(double low) { return {.low = low}; }
constexpr Range between(double low, double high) { return {.low = low, .high = high}; }

/// One setting as its owner declares it.
struct SettingInfo {
  std::string name;
  std::string type;  ///< number, integer, flag, text, plugin, list, plugins
  SettingNode default_value;
  std::string range;  ///< for people: "in [0, 1)", "one of a, b"; of a plug-in its kind
  std::string meaning;
  Range bounds = kAny;                    ///< of a number, an integer, each element of a list
  std::vector<std::string> options = {};  ///< of a choice
};

/// One setting of a run with the value in force, given or by default. `key` is the whole dotted path.
struct ResolvedSetting {
  std::string key;
  SettingNode value;
  /// Another way to say what other settings hold, so no part of what makes a run the same run.
  bool restates = false;
};

/// What reading settings finds: the mistakes, and every value in force.
struct SettingsReport {
  std::vector<Problem> problems;
  std::vector<ResolvedSetting> resolved;
  /// What is allowed and hardly meant.
  std::vector<Problem> warnings = {};
  /// Given by who has the settings read: where the files that they name are searched, in this order. An
  /// empty path is the working directory.
  std::vector<std::filesystem::path> folders = {std::filesystem::path()};

  /// Where the value of a setting that was read stands; no place where that is the default.
  Place place_of(std::string_view key) const;
};

/// Reads the settings of one table, and by that declares them: each call below names a setting with
/// its default, range and meaning, and returns the value in force. A value of the wrong type or out
/// of range is a problem in the report, and the default is returned, so that one pass finds all
/// mistakes. The table and the report must outlive the reader.
class Settings {
 public:
  /// `path` is the table's dotted path, empty for the root; `place` is where the table stands.
  Settings(const SettingsTable& given, std::string path, SettingsReport& report, Place place = {});

  /// A reader through which constructors tell what they would ask for, and draw no conclusions from
  /// what is given.
  static Settings declaring(const SettingsTable& given, SettingsReport& report,
                            std::string path = {}, Place place = {});
  bool only_declares() const { return only_declares_; }

  double number(std::string_view name, double default_value, const Range& range,
                std::string_view meaning);
  std::int64_t integer(std::string_view name, std::int64_t default_value, const Range& range,
                       std::string_view meaning);
  bool flag(std::string_view name, bool default_value, std::string_view meaning);
  /// One of `options`.
  std::string choice(std::string_view name, std::string_view default_value,
                     const std::vector<std::string>& options, std::string_view meaning);
  /// Any text.
  std::string text(std::string_view name, std::string_view default_value, std::string_view meaning);
  /// A file that must be there, by an absolute path or by one from any of the report's folders: the
  /// first of them that has it. Empty where none has, which the report then says.
  std::filesystem::path file(std::string_view name, std::string_view meaning);
  /// A list of integers, each in range; empty where it is not given.
  enum class Order { any, rising };
  std::vector<std::int64_t> integers(std::string_view name, const Range& range, Order order,
                                     std::string_view meaning);
  /// A list of numbers, each in range; empty where it is not given.
  std::vector<double> numbers(std::string_view name, const Range& range, std::string_view meaning);
  /// A list of texts, none of them twice; empty where it is not given.
  std::vector<std::string> texts(std::string_view name, std::string_view meaning);

  /// A plug-in by name: `key = "tanh"` or `key = { name = "tanh", ... }`. Returns its name, which is
  /// one of `names`, and its own settings without the name.
  struct Plugin {
    std::string name;
    SettingsTable given;
    std::string path;
    Place place;
  };
  Plugin plugin(std::string_view name, std::string_view default_value,
                const std::vector<std::string>& names, std::string_view kind,
                std::string_view meaning);
  /// A list of plug-ins, each as in plugin(); empty where it is not given. The settings of the first are
  /// called `name.1...`.
  std::vector<Plugin> plugins(std::string_view name, const std::vector<std::string>& names,
                              std::string_view kind, std::string_view meaning);
  /// The same as plugin() where this whole table is the plug-in: `[optimizer] name = "adam"`.
  Plugin plugin_here(std::string_view default_value, const std::vector<std::string>& names,
                     std::string_view kind);

  /// A reader of the table of this name (empty where it is absent), which becomes known.
  Settings table(std::string_view name);
  /// Reports a mistake at a setting's place, or at the table's where the setting is absent.
  void problem(std::string_view name, std::string message);
  /// Replaces the value in force of a setting that was read before, where another one decides it.
  void settle(std::string_view name, SettingNode value);
  /// Marks a setting that was read before as restating others.
  void restates(std::string_view name);
  /// Whether the user gave the setting.
  bool given(std::string_view name) const { return given_->find(name) != nullptr; }

  /// Says whose settings these are, in messages about keys that are none.
  void belong_to(std::string owner) { owner_ = std::move(owner); }
  /// Says that the plug-in which the setting `name` chose has settings of its own, where a key that is
  /// none of these may belong.
  void holds(std::string_view name, std::string plugin, const std::vector<SettingInfo>& settings);
  /// Reports each key that nobody asked for, with the nearest name that somebody did.
  void finish();

  const std::vector<SettingInfo>& declared() const { return declared_; }
  const std::string& path() const { return path_; }
  SettingsReport& report() { return *report_; }

 private:
  Plugin plugin_of(std::string_view name, const SettingNode& node, std::string_view default_value,
                   const std::vector<std::string>& names, std::string_view kind);
  const SettingNode* declare(std::string_view name, std::string type, SettingNode default_value,
                             std::string range, std::string_view meaning,
                             const Range& bounds = kAny, std::vector<std::string> options = {});
  void resolve(std::string_view name, SettingNode value);
  ResolvedSetting* resolved(std::string_view name);
  void wrong_type(std::string_view name, const SettingNode& node, std::string_view expected);
  void not_a_number(std::string_view name, const SettingNode& node, std::string_view expected);
  std::string key(std::string_view name) const;
  std::string hint(std::string_view unknown) const;

  struct Held {
    std::string setting;
    std::string plugin;
    std::vector<std::string> settings;
  };

  const SettingsTable* given_;
  std::string path_;
  SettingsReport* report_;
  Place place_;
  bool only_declares_ = false;
  std::vector<SettingInfo> declared_;
  std::vector<std::string> known_;
  std::string owner_;  // the plug-in whose settings these are; empty for other tables
  std::vector<Held> held_;
};

}  // namespace plumbline
