// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"
#include "engine/training/run_configuration.hpp"
#include "experiments/runner/definition/definition.hpp"

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
  /// What is allowed and hardly meant, in the order of the text.
  std::vector<Problem> warnings = {};
};

inline constexpr std::int64_t kMostRuns = 1'000'000;

/// Expands the sweep and configures every run. Each mistake is reported once, however many runs it
/// is in, with the first combination of the sweep's values that makes it, if not all do; one that
/// every value of an axis makes is reported at the axis. Two runs that would be the same computation
/// are a mistake, and so are more than kMostRuns. Throws DefinitionError with `problems` and its own
/// where there is any, in the order of the text.
///
/// Files that settings name are searched in the definition's folder, then in those for data, then in
/// the working directory.
Plan make_plan(Definition definition, std::vector<Problem> problems,
               const DataFolders& data_folders = {});

/// "place: warning: message" for each of the plan's warnings, a line each.
void print_warnings(const Plan& plan, std::ostream& err);

/// "model.depth=8 model.activation=tanh train.seed=3": what tells the run apart, as overrides.
std::string run_label(const Plan& plan, std::size_t index);

/// For run `index` of the definition's sweep, which value of each axis it has.
std::vector<std::size_t> axis_positions(const std::vector<SweepAxis>& axes, std::size_t index);

}  // namespace plumbline
