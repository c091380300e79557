// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"
#include "engine/training/gradient_check.hpp"

namespace plumbline {

// Commands that look into one run of a definition. Results go to `out`, messages to `err`; the return
// value is the exit status. Errors as in commands.hpp.

/// Which run, and how it is printed.
struct InspectionOptions {
  std::string definition = {};  ///< a path, or the name of a definition that ships
  std::vector<std::string> overrides = {};
  std::string run_id = {};  ///< empty: the definition's first run
  bool json = false;
  DataFolders data_folders = {};
  bool yes = false;  ///< more than kMostRuns are meant
};

struct GradcheckOptions {
  InspectionOptions run = {};
  std::size_t sample = 200;  ///< parameters checked in each tensor
  bool all = false;          ///< every parameter
};

/// Compares the gradient over the run's first batch with finite differences, in float64, and prints a
/// line for each tensor. Returns 1 where one differs.
int gradcheck_command(const GradcheckOptions& options, std::ostream& out, std::ostream& err);

/// The printing of gradcheck_command(), and its status.
int print_gradient_check(const GradientCheck& check, const std::string& title, bool json,
                         std::ostream& out, std::ostream& err);

struct ExplainOptions {
  InspectionOptions run = {};
  std::int64_t step = 0;
};

/// Prints one training step of a small net number by number. Returns 2 where the net is too large to
/// read or has no such step, 1 where the run diverged before it.
int explain_command(const ExplainOptions& options, std::ostream& out, std::ostream& err);

}  // namespace plumbline
