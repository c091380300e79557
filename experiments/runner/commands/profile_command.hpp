// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "experiments/runner/commands/inspection_commands.hpp"

namespace plumbline {

struct ProfileOptions {
  InspectionOptions run = {};  ///< the definition may be missing where `ceiling` is asked for
  bool ceiling = false;        ///< the ceilings of the machine alone
  std::size_t steps = 0;       ///< that are timed; 0: about two seconds
  std::vector<std::string> threads = {};  ///< numbers; empty: powers of two up to the processors
  std::string output = {};                ///< an HDF5 file; empty: none
  std::string command_line = {};
};

/// Says where the time of a run's steps goes, as a share of what the machine can do, measured in the
/// same process, and how it scales over threads. Warns on `err` where the machine was not quiet. Returns 2
/// for wrong options and for a run that has no update, 1 for one that diverges before its second.
int profile_command(const ProfileOptions& options, std::ostream& out, std::ostream& err);

}  // namespace plumbline
