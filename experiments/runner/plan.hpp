// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/training/run_configuration.hpp"
#include "experiments/runner/definition.hpp"

namespace plumbline {

/// One run of a plan.
struct RunSpec {
  std::string run_id;  ///< 16 hex digits
  std::int64_t seed = 0;
  double cost = 0;  ///< floating-point operations
  RunConfiguration configuration;
};

/// All runs of a definition, in the order of its axes.
struct Plan {
  Definition definition;
  std::vector<RunSpec> runs;
};

inline constexpr std::int64_t kMostRuns = 1'000'000;

/// Expands the sweep and configures every run. Each mistake is reported once, however many runs it
/// is in; one that every value of an axis makes is reported at the axis. Two runs that would be the
/// same computation are a mistake, and so are more than kMostRuns. Throws DefinitionError with
/// `problems` and its own where there is any, in the order of the text.
Plan make_plan(Definition definition, std::vector<Problem> problems);

/// For run `index` of the definition's sweep, which value of each axis it has.
std::vector<std::size_t> axis_positions(const std::vector<SweepAxis>& axes, std::size_t index);

}  // namespace plumbline
