// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"

namespace plumbline {

struct RunOptions {
  std::string definition;              ///< a path, or the name of a definition that ships
  std::vector<std::string> overrides;  ///< "key=value"
  std::string output;                  ///< empty: results/<name>.h5
  int threads = 0;                     ///< 0: one for each available processor
  bool fresh = false;                  ///< computes every run, whatever the output file holds
  std::string progress = "auto";       ///< auto, plain, json, none
  DataFolders data_folders;
  std::string command_line;  ///< as it was called, for the record
};

/// Computes the runs of a definition and writes them to the output file. Runs that stand there
/// already, complete or diverged, are taken over; where none is missing the file stays as it is. An
/// existing file with finished runs that the plan does not have is copied to `<output>.previous`
/// first. Prints the path, the counts and the failed runs to `out`, progress and messages to `err`.
/// Returns 0, 1 where runs failed, or 130 where a signal ended it: finished runs are then in the
/// file, and the next call does the rest. Throws DefinitionError, and EnvironmentError, after which
/// the output file is as it was.
int run_command(const RunOptions& options, std::ostream& out, std::ostream& err);

/// The folders that data files are searched in: `data_dir` unless it is empty, $PLUMBLINE_DATA if it
/// is set, ./data.
DataFolders data_folders(const std::string& data_dir);

}  // namespace plumbline
