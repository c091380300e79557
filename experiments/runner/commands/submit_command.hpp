// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"

namespace plumbline {

struct SubmitOptions {
  std::string definition;              ///< a path, or the name of a definition that ships
  std::vector<std::string> overrides;  ///< "key=value"
  std::string output;                  ///< empty: results/<name>.h5
  std::size_t shards = 0;              ///< at least 1
  std::size_t array_limit = 0;         ///< shards that may run at a time; 0: no limit
  std::string partition;               ///< empty: Slurm's default
  std::string time;                    ///< for each shard, as sbatch reads it; empty: by the plan
  std::string memory;                  ///< the same
  std::size_t cpus = 1;                ///< for each shard, and so its threads
  std::vector<std::string> sbatch;     ///< more options of sbatch: "--account=physics"
  bool dry_run = false;
  bool yes = false;  ///< more runs than kMostRuns are meant
  std::string data_dir;
  DataFolders data_folders;
};

/// Writes two batch scripts into the folder results/<name>.slurm beside the results file: a job array
/// whose tasks compute the shards of the definition, and a job that merges them once all have ended,
/// whatever became of them. Hands both to sbatch and prints their ids. A dry run prints the scripts, and
/// writes and calls nothing. Throws DefinitionError for a wrong definition or option, and
/// EnvironmentError where there is no sbatch, it refuses, or a file cannot be written.
int submit_command(const SubmitOptions& options, std::ostream& out, std::ostream& err);

}  // namespace plumbline
