// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/runner/definition/definition.hpp"
#include "experiments/runner/definition/mistakes.hpp"
#include "experiments/runner/definition/setting_keys.hpp"

namespace plumbline {

/// The table `sweep` as it is written.
struct Sweep {
  std::vector<SweepAxis> axes;  ///< of the grid and the zips, in the order of the text
  std::vector<Exclusion> exclusions;
  std::optional<SettingNode> seeds;
};

/// Reads the table `sweep`. Mistakes go to the list of problems, which must outlive the reader.
class SweepReader {
 public:
  explicit SweepReader(std::vector<Problem>& problems) : mistakes_(problems) {}

  Sweep read(const SettingNode& node);
  /// The keys of the table.
  static std::vector<SettingInfo> settings();
  /// The values of an axis that can be tried, so that one that cannot does not hide what is wrong in
  /// the others.
  SettingList usable_values(std::string_view key, const SettingList& values, const Place& place);
  /// Whether the key may have the value, which else is a mistake.
  bool fits(std::string_view key, const SettingNode& value);
  /// Whether the key is one of a table that runs read, which else is a mistake.
  bool is_of_runs(const std::string& key, const Place& place);

 private:
  void read_grid(const SettingNode& node);
  void read_zips(const SettingNode& node);
  void read_zip(const SettingNode& node);
  void read_exclusions(const SettingNode& node);
  const SettingList* new_axis_values(const WrittenSetting& setting);
  std::optional<SettingList> tables_of(std::string_view key, const SettingNode& node);

  Mistakes mistakes_;
  Sweep sweep_;
};

/// "model.depth = 2, optimizer.lr = 0.1".
std::string point_text(const AxisPoint& point);

}  // namespace plumbline
