// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "experiments/runner/definition/definition.hpp"

namespace plumbline {

/// Combinations are numbered over the studies, each the product of its axes with the first varying
/// slowest, whether they are runs or left out.
struct Combination {
  std::size_t number = 0;
  std::size_t study = 0;
  const std::vector<std::size_t>& points;  ///< which point of each axis
  const SettingsTable& settings;
};

/// `count` combinations from `first` on.
struct CombinationRange {
  std::size_t first = 0;
  std::size_t count = 0;
};

struct Expansion {
  std::vector<CombinationRange>
      left_out;  ///< excluded, for reruns, or the same as an earlier trial; rising
  std::vector<std::size_t> excluded;  ///< runs that each exclusion left out
};

/// Calls `visit` for each combination that is a run, or the first stage of one, in order. A point that
/// leads through a value that is no table is a mistake of all combinations that have it, given to
/// `refuse` in their place.
///
/// Trials that differ in nothing that is given to the runs, as conditions do not hold, are one: the
/// first.
Expansion expand(
    const Definition& definition, const std::function<void(const Combination&)>& visit,
    const std::function<void(const DefinitionError&, const CombinationRange&)>& refuse);

/// How many combinations a study has. In double, which no number of axes overflows.
double number_of_combinations(const Study& study);

/// Which point of each axis combination `index` of a study has.
std::vector<std::size_t> axis_positions(const std::vector<SweepAxis>& axes, std::size_t index);

}  // namespace plumbline
