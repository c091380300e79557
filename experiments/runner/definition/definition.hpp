// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/settings.hpp"
#include "experiments/runner/definition/protocol.hpp"

namespace plumbline {

/// A setting, by its dotted key, with the value that a point of an axis gives it.
struct Assignment {
  std::string key;
  SettingNode value;
};

using AxisPoint = std::vector<Assignment>;

/// Holds where the setting has one of the values. A setting that is not given has none.
struct Condition {
  std::string key;
  SettingList values;
};

/// One axis of a sweep: settings that move together, and the points that they take, in order. A list
/// of the grid is an axis of one key.
struct SweepAxis {
  std::vector<std::string> keys;
  std::vector<AxisPoint> points;  ///< each with all keys, in their order
  Place place;                    ///< where the list of values, the zip or the search stands
  bool is_of_search = false;
  /// For each key what must hold for a point to give it; empty: nothing, for any key.
  std::vector<std::vector<Condition>> when = {};
  std::string drawn = {};  ///< "halton, seed 7" where the points are trials
};

/// The runs of which all conditions hold are left out.
struct Exclusion {
  std::vector<Condition> conditions;
  Place place;
};

/// A part of a definition with settings and axes of its own.
struct Study {
  std::string name;  ///< empty where the definition is one study alone and gives it no name
  Place place;
  SettingsTable base;  ///< what all its runs begin with: the definition's tables, and its own `set`
  /// The first axis varies slowest; the last is always "train.seed": of a study with a protocol, the seeds
  /// to choose by and then those of the reruns.
  std::vector<SweepAxis> axes;
  std::optional<Halving> halving = {};
  std::optional<Protocol> protocol = {};
};

/// A definition as it is written, overrides applied, before its settings are given a meaning.
struct Definition {
  std::string path;
  std::string text;                    ///< the file's text
  std::vector<std::string> overrides;  ///< "model.width=64", as they were given
  std::string sha256;                  ///< of the text, 64 hex digits
  std::string name;
  std::string title;
  std::string question;
  std::string expectation;
  std::string paper;
  /// In the order of the text; one without a name where the text has no [[study]]. Empty where the
  /// text is not TOML, which is a problem.
  std::vector<Study> studies;
  std::vector<Exclusion> exclusions;  ///< of every study
};

/// Reads a definition and applies `overrides` ("model.width=64" sets a value, "model.depth=2,8" an
/// axis, in every study). Every mistake goes to `problems`. Throws EnvironmentError where the file
/// cannot be read.
///
/// The seeds are those of `sweep.seeds`: a list, or for a number n the n seeds from train.seed on.
/// Without it they are train.seed alone. The override train.seed=7 means that one seed, and stands
/// in the place of the definition's seeds.
Definition read_definition(const std::filesystem::path& path,
                           const std::vector<std::string>& overrides,
                           std::vector<Problem>& problems);

/// The same for a text in the place of a file; `path` names it in messages.
Definition parse_definition(const std::filesystem::path& path, std::string text,
                            const std::vector<std::string>& overrides,
                            std::vector<Problem>& problems);

/// The axis of one key that takes these values.
SweepAxis grid_axis(const std::string& key, const SettingList& values, const Place& place);

/// Sets a value as a definition means it: as SettingsTable::set_path(), but that a name for a whole
/// table, as in "optimizer" = "adam", is the name of the plug-in that the table stands for.
void apply_setting(SettingsTable& settings, std::string_view key, const SettingNode& value);

/// Sets what the point of the axis gives, but for keys whose conditions do not hold. Returns what it
/// set. Throws DefinitionError as set_path() does.
std::vector<const Assignment*> apply_point(SettingsTable& settings, const SweepAxis& axis,
                                           std::size_t point);

/// The file that `name_or_path` means: a path, or the name of a definition that ships. Throws
/// EnvironmentError where there is none, with the nearest known name.
std::filesystem::path find_definition(const std::string& name_or_path);

/// The definitions that ship, sorted by name: the .toml files of the checkout or the installation
/// that this program is part of, and of ./experiments.
std::vector<std::filesystem::path> shipped_definitions();

}  // namespace plumbline
