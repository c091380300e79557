// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/settings.hpp"

namespace plumbline {

/// One axis of a sweep: the dotted key of a setting and the values it takes, in the order written.
struct SweepAxis {
  std::string key;
  std::vector<SettingNode> values;
  Place place;  ///< where the list of values stands
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
  SettingsTable base;  ///< the tables data, model, loss, optimizer, schedule, train, engine, probes
  /// The first axis varies slowest; the last is always "train.seed". Empty where the text is not
  /// TOML, which is a problem.
  std::vector<SweepAxis> axes;
};

/// Reads a definition and applies `overrides` ("model.width=64" sets a value, "model.depth=2,8" an
/// axis). Every mistake goes to `problems`. Throws EnvironmentError where the file cannot be read.
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

/// Sets a value as a definition means it: as SettingsTable::set_path(), but that a name for a whole
/// table, as in "optimizer" = "adam", is the name of the plug-in that the table stands for.
void apply_setting(SettingsTable& settings, std::string_view key, const SettingNode& value);

/// The file that `name_or_path` means: a path, or the name of a definition that ships. Throws
/// EnvironmentError where there is none, with the nearest known name.
std::filesystem::path find_definition(const std::string& name_or_path);

/// The definitions that ship, sorted by name: the .toml files of the checkout or the installation
/// that this program is part of, and of ./experiments.
std::vector<std::filesystem::path> shipped_definitions();

}  // namespace plumbline
