// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"

namespace plumbline {

struct StatusOptions {
  std::string target;                  ///< a definition, or a results file
  std::vector<std::string> overrides;  ///< "key=value", of a definition
  std::string output;  ///< the results file of a definition; empty: results/<name>.h5
  bool json = false;
  bool watch = false;  ///< tells it again until nothing is pending or a signal comes
  DataFolders data_folders;
};

/// Prints how many runs of a sweep are complete, diverged, failed and pending, and the time left where a
/// process computes them: over the results file, the segments of a running sweep and the shards beside
/// it. Reads alone, and is in no writer's way. Watching, it draws the lines anew on a terminal, and
/// elsewhere prints a line at each change (with `json` an object a line).
///
/// Returns 0, 1 where runs failed, or 130 where a signal ended the watching. Throws DefinitionError for
/// a wrong definition, and EnvironmentError where a results file cannot be read.
int status_command(const StatusOptions& options, std::ostream& out, std::ostream& err);

}  // namespace plumbline
