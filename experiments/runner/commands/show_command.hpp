// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"

namespace plumbline {

struct ShowOptions {
  std::string file;
  std::vector<std::string> by;       ///< empty: all settings that tell runs apart, but the seed
  std::vector<std::string> metrics;  ///< empty: the final scores, error_signal and gradient_norm
  bool json = false;
  DataFolders data_folders = {};  ///< where settings follow from the definition in the file
};

/// Prints what a results file holds, a row a group of runs: how many are complete and diverged,
/// median and quartiles of the final scores, and how error signal and gradient change over the
/// layers before training, beside theory. An unknown setting or metric is a message with the nearest
/// name, of a metric also with a table of all, and status 2. Throws EnvironmentError where the file cannot be read.
int show_command(const ShowOptions& options, std::ostream& out, std::ostream& err);

}  // namespace plumbline
