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
  std::string shard;                   ///< "i/N": that part alone; empty: every run
  int threads = 0;                     ///< 0: one for each available processor
  bool fresh = false;                  ///< computes every run, whatever the output file holds
  bool retry_failed = false;           ///< computes the failed runs alone, not the pending ones too
  bool fail_fast = false;              ///< ends at the first run that fails
  std::string progress = "auto";       ///< auto, plain, json, none
  DataFolders data_folders;
  bool yes = false;          ///< more than kMostRuns are meant
  std::string command_line;  ///< as it was called, for the record
};

/// Computes the runs of a definition and writes them to the output file. Runs that stand there or in its
/// segments already, complete or diverged, are taken over; where none is missing the file stays as it is.
/// A file whose finished runs the plan has some of, and some not, is kept as `<output>.previous`; one
/// that has none of the plan's is refused. A shard is such a call for a part of the plan, with a file of
/// its own beside the output, but for what the output has already. What the shards beside its file have,
/// and a shard's output, is taken over. Prints the path, the counts and the failed runs to `out`,
/// messages to `err`, how far it is to `progress`. Returns 0, 1 where runs failed or are missing, or 130
/// where a signal ended it: finished runs are then in the file, and the next call does the rest. Throws
/// DefinitionError, and EnvironmentError, after which the output file is as it was; what was finished
/// before is then in its segments, as after a kill.
int run_command(const RunOptions& options, std::ostream& out, std::ostream& err,
                std::ostream& progress);

/// The folders that data files are searched in: `data_dir` unless it is empty, $PLUMBLINE_DATA if it
/// is set, ./data.
DataFolders data_folders(const std::string& data_dir);

}  // namespace plumbline
