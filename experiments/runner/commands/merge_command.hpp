// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"

namespace plumbline {

struct MergeOptions {
  std::vector<std::string> files;  ///< empty: the shards that stand beside the output
  std::string output;
  DataFolders data_folders;
  std::string command_line;  ///< as it was called, for the record
};

/// Makes one results file of several that are of one definition, and of what the output and its segments
/// hold already. Finished runs that the output alone has beyond the definition of the others are kept in
/// FILE.previous; runs of stages that are chosen otherwise by now are left out, and counted. Files are read
/// one at a time. Runs that none of them has stay pending, as do those whose record is damaged, which `err`
/// is told. A run that stands in several must have the
/// same digest in all; a finished one counts before a failed one. Prints the path and the counts.
/// Returns 0, 1 where runs failed or are missing, or 130 where a signal ended it. Throws
/// EnvironmentError, after which the output is as it was, where a file cannot be read, is of another
/// definition (the message names the settings that differ), two digests differ, or another process
/// writes the output.
int merge_command(const MergeOptions& options, std::ostream& out, std::ostream& err);

}  // namespace plumbline
