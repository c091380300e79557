// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "engine/datasets/dataset.hpp"
#include "engine/training/run_configuration.hpp"
#include "engine/training/run_record.hpp"

namespace plumbline {

/// How many updates the checkpoints in a folder hold, by the id of their runs, for whoever looks on while
/// others write. What is no checkpoint of this program's version is left out; empty where there is no
/// such folder.
std::map<std::string, std::int64_t> updates_of_checkpoints(const std::filesystem::path& folder);

/// The checkpoints of a sweep, in a folder that is made when the first is written: a file for each run
/// that is not recorded yet, named by the run's id. A file has its name only when it is whole and on disk;
/// until then it stands beside it as ID.tmp. One process at a time may use the folder, from any number of
/// threads.
class CheckpointFiles {
 public:
  /// Is told, in a line each, where a run goes on, that a checkpoint is of no use, or cannot be written.
  using Say = std::function<void(const std::string& line)>;

  explicit CheckpointFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// For schedule(): computes a run, from its checkpoint on where it has one. A checkpoint that cannot be
  /// written costs no run: the first failure is told, and the run goes on.
  std::optional<RunRecord> train(const RunConfiguration& configuration, const Dataset& data,
                                 const std::atomic<bool>& stop, const Say& say);

  /// The run is recorded: its checkpoint goes.
  void remove(const std::string& run_id) const;
  /// All goes but the checkpoints of these runs, and the folder where it is empty then, and the one that it
  /// is in too.
  void keep_only(const std::set<std::string>& run_ids) const;

 private:
  class OfRun;

  std::filesystem::path folder_;
  std::atomic<bool> failed_{false};  // a write, which has been told
};

}  // namespace plumbline
