// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "experiments/runner/plan/plan.hpp"

namespace plumbline {

/// A setting that two plans do not give the same values.
struct DifferingSetting {
  std::string key;
  std::string first;   ///< "2, 8, 32": its values in the first plan in the order of the runs
  std::string second;  ///< empty where no run of the plan has the setting
  /// Whether a run of either plan may have it alike: a value is in both, or some runs of both have none.
  /// So it is where one plan has merely more values. No run is in both plans where a setting is not so.
  bool is_shared = false;

  bool operator==(const DifferingSetting&) const = default;
};

/// Whether the plans are the same computations in the same order.
bool are_same_runs(const Plan& first, const Plan& second);

/// The settings whose values over all runs of one plan are not those of the other, in the order of the
/// settings. Empty for plans of the same runs, and for plans that combine the same values otherwise.
std::vector<DifferingSetting> differing_settings(const Plan& first, const Plan& second);

/// Of plans that have no run in common, the settings that are why: those that no two runs have alike, or
/// all where there are none such.
std::vector<DifferingSetting> keeping_apart(std::vector<DifferingSetting> differing);

/// "model.depth is 2, 8 there and 2, 16 here; train.seed is not set there and 1 here", at most
/// `most` of them and then how many more; `there` and `here` name the two plans, and `between` stands
/// between two settings. Where no setting differs, that the same values are combined otherwise.
std::string differences_text(const std::vector<DifferingSetting>& differing,
                             const std::string& there, const std::string& here,
                             std::size_t most = 5, const std::string& between = "; ");

}  // namespace plumbline
