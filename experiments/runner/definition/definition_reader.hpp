// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/runner/definition/definition.hpp"
#include "experiments/runner/definition/mistakes.hpp"
#include "experiments/runner/definition/sweep_reader.hpp"

namespace plumbline {

/// Fills a definition from the settings of its text and then of the command line: every rule about
/// definitions that needs neither TOML nor the engine's knowledge of what the settings mean. Call
/// read(), then apply() for each override, then finish(). Mistakes go to the list of problems,
/// which must outlive the reader like the definition.
class DefinitionReader {
 public:
  DefinitionReader(Definition& definition, std::vector<Problem>& problems)
      : definition_(&definition),
        problems_(&problems),
        mistakes_(problems),
        sweep_reader_(problems) {}

  void read(const SettingsTable& root);
  /// One value sets the key, and ends an axis of that key; several make it an axis; both in every
  /// study. Only what runs are made of can be given so, and the seeds.
  void apply(const std::string& key, SettingList values, const Place& place);
  /// Makes "train.seed" the last axis.
  void finish();

 private:
  void read_schema(const SettingNode& node);
  void read_name(const SettingNode& node);
  void read_text(std::string_view key, const SettingNode& node, std::string& field);
  void read_about(const SettingNode& node);
  void apply_sweep(const std::string& key, SettingList values, const Place& place);
  void apply_axis(const std::string& key, const SettingList& values, const Place& place);
  void set(std::string_view key, const SettingNode& value);
  SweepAxis seed_axis(const Study& study, Mistakes& mistakes);
  SettingList seeds_from(const SettingNode& first, std::int64_t count, Mistakes& mistakes);
  SettingNode first_seed(const Study& study, Mistakes& mistakes);
  void end_with_seeds(Study& study, std::vector<Problem>& problems);
  void refuse_what_no_run_reads(const Study& study, Mistakes& mistakes);
  void refuse_exclusions_of_what_is_not_set();
  void add_new(const std::vector<Problem>& problems);

  Definition* definition_;
  std::vector<Problem>* problems_;
  Mistakes mistakes_;
  SweepReader sweep_reader_;
  std::optional<SettingNode> seeds_;  ///< sweep.seeds as given
  bool seeds_overridden_ = false;     ///< by an override, and not by the text
};

}  // namespace plumbline
