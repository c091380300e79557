// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/runner/definition/definition.hpp"

namespace plumbline {

/// Fills a definition from the settings of its text and then of the command line: every rule about
/// definitions that needs neither TOML nor the engine's knowledge of what the settings mean. Call
/// read(), then apply() for each override, then finish(). Mistakes go to the list of problems,
/// which must outlive the reader like the definition.
class DefinitionReader {
 public:
  DefinitionReader(Definition& definition, std::vector<Problem>& problems)
      : definition_(&definition), problems_(&problems) {}

  void read(const SettingsTable& root);
  /// The keys of the table `sweep`.
  static std::vector<SettingInfo> sweep_settings();
  /// One value sets the key, and ends an axis of that key; several make it an axis. Only what runs are
  /// made of can be given so, and the seeds.
  void apply(const std::string& key, SettingList values, const Place& place);
  /// Makes "train.seed" the last axis.
  void finish();

 private:
  void read_schema(const SettingNode& node);
  void read_name(const SettingNode& node);
  void read_text(std::string_view key, const SettingNode& node, std::string& field);
  void read_about(const SettingNode& node);
  void read_sweep(const SettingNode& node);
  void read_grid(const SettingNode& node);
  void add_axis(const std::string& key, const SettingNode& node);
  void apply_sweep(const std::string& key, SettingList values, const Place& place);
  void set(std::string_view key, const SettingNode& value);
  SettingList axis_values(std::string_view key, const SettingList& values, const Place& place);
  bool fits(std::string_view key, const SettingNode& value);
  std::vector<SweepAxis>::iterator find_axis(std::string_view key);
  SweepAxis seed_axis();
  SettingNode first_seed();
  void refuse_what_no_run_reads();

  void problem(const Place& place, std::string message);
  void unknown(std::string_view key, std::string_view name, const Place& place,
               const std::vector<std::string>& known);
  void not_an_integer(std::string_view key, const SettingNode& node, std::string_view expected);
  void wrong_type(std::string_view key, const SettingNode& node, std::string_view expected);

  Definition* definition_;
  std::vector<Problem>* problems_;
  std::optional<SettingNode> seeds_;  ///< sweep.seeds as given
  bool seeds_overridden_ = false;     ///< by an override, and not by the text
};

}  // namespace plumbline
