// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/runner/definition/definition.hpp"
#include "experiments/runner/definition/mistakes.hpp"
#include "experiments/runner/definition/search_space.hpp"
#include "experiments/runner/definition/sweep_reader.hpp"

namespace plumbline {

/// Reads the table `study.search`: the axes that it adds to its study. Mistakes go to the list of
/// problems, which must outlive the reader.
class SearchReader {
 public:
  /// `study` has what the study sets, and the axes that stand before those of the search.
  SearchReader(const Study& study, std::vector<Problem>& problems)
      : study_(study), mistakes_(problems), values_(problems) {}

  std::vector<SweepAxis> read(const SettingNode& node);
  /// The keys of the table, and of a dimension of its space.
  static std::vector<SettingInfo> settings();
  static std::vector<SettingInfo> dimension_settings();

 private:
  struct Trials {
    std::size_t count = 1;
    std::int64_t seed = 0;
    Place place;
  };

  std::string read_method(const SettingsTable& search, const Place& place);
  Trials read_trials(const SettingsTable& search, const Place& place, const std::string& method);
  void read_space(const SettingNode& node, bool is_grid);
  void read_dimension(const WrittenSetting& setting, bool is_grid);
  void read_table(const SettingsTable& table, const SettingNode& node, bool is_grid,
                  Dimension& dimension);
  void read_values(const SettingList& list, const Place& place, Dimension& dimension);
  void read_range(const SettingsTable& table, const SettingNode& node, bool is_grid,
                  Dimension& dimension);
  std::optional<double> read_end(const char* name, const SettingsTable& table,
                                 const SettingNode& node, Dimension& dimension);
  void read_scale(const SettingNode& scale, Dimension& dimension);
  bool read_points(const SettingsTable& table, const SettingNode& node, bool is_grid,
                   Dimension& dimension);
  bool read_when(const SettingNode& node, Dimension& dimension);
  /// In [low, high]; `low` with a mistake where it is not.
  std::int64_t integer(std::string_view key, const SettingNode& node, std::int64_t low,
                       std::int64_t high);

  std::vector<SweepAxis> grid_axes() const;
  std::vector<SweepAxis> trial_axis(const std::string& method, const Trials& trials,
                                    const Place& place);
  /// A mistake after which no axes can be made.
  void refuse(const Place& place, std::string message);

  const Study& study_;
  Mistakes mistakes_;
  SweepReader values_;
  std::vector<Dimension> dimensions_;
  bool is_right_ = true;
};

}  // namespace plumbline
