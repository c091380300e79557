// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "experiments/runner/plan/plan.hpp"

namespace plumbline {

/// The one run of a definition that a command looks into.
struct SingleRun {
  Definition definition;
  std::size_t number = 1;  ///< in the order of the plan, counted from 1
  std::size_t runs = 1;    ///< of the definition
  RunSpec spec;

  /// "d, run 1 of 3 (0123456789abcdef)".
  std::string title() const;
};

/// Floating-point operations of a pass over the run's batch, forward.
double flops_of_a_pass(const RunConfiguration& run);

/// The run with this id, or the first where `run_id` is empty; `yes`: more than kMostRuns are meant.
/// Throws DefinitionError where the definition is wrong or has no such run.
SingleRun single_run(const std::string& definition, const std::vector<std::string>& overrides,
                     const std::string& run_id, const DataFolders& data_folders = {},
                     bool yes = false);

}  // namespace plumbline
