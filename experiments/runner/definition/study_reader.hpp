// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "experiments/runner/definition/definition.hpp"
#include "experiments/runner/definition/mistakes.hpp"
#include "experiments/runner/definition/sweep_reader.hpp"

namespace plumbline {

/// Reads the list `study`. Mistakes go to the list of problems, which must outlive the reader.
class StudyReader {
 public:
  explicit StudyReader(std::vector<Problem>& problems)
      : problems_(&problems), mistakes_(problems), values_(problems) {}

  /// Each study has `base` and what it sets itself, the axes of the sweep, and then those of its search.
  /// The k-th of several that has no name is called by its number k.
  std::vector<Study> read(const SettingNode& node, const SettingsTable& base,
                          const std::vector<SweepAxis>& sweep);
  /// The keys of a table of the list.
  static std::vector<SettingInfo> settings();

 private:
  Study read_study(const SettingNode& node, const SettingsTable& base,
                   const std::vector<SweepAxis>& sweep);
  void read_name(const SettingNode& node, Study& study);
  void read_set(const SettingNode& node, Study& study);
  void name_those_without(std::vector<Study>& studies);

  std::vector<Problem>* problems_;
  Mistakes mistakes_;
  SweepReader values_;
};

}  // namespace plumbline
