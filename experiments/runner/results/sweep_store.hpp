// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "engine/training/run_record.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/file_lock.hpp"
#include "experiments/runner/results/provenance.hpp"
#include "experiments/runner/results/recorder.hpp"
#include "experiments/runner/results/segment_folder.hpp"
#include "experiments/runner/results/store_paths.hpp"
#include "experiments/runner/results/stored_runs.hpp"

namespace plumbline {

/// The results of a sweep while they come in. It knows what FILE and the segments in FILE.d hold, puts
/// finished runs into segments, and makes one FILE of all at the end. A process that is killed at any
/// moment loses no run that was finished two seconds before. One process at a time has a store for FILE.
/// The members are called by one thread at a time, and throw EnvironmentError.
class SweepStore {
 public:
  /// Takes the lock, removes what a killed process left half done, and takes stock. Runs that cannot be
  /// read, because their checksum is wrong, are left to be computed again, which `err` is told. With
  /// `fresh`, whatever is there does not count: segments go now, FILE when the new one is made.
  /// `definition` must outlive the store.
  SweepStore(std::filesystem::path file, const Definition& definition, Provenance provenance,
             bool fresh, std::ostream& err);
  /// Writes what waits, if it can, and gives the lock back. FILE.d goes where nothing is in it.
  ~SweepStore();
  SweepStore(const SweepStore&) = delete;
  SweepStore& operator=(const SweepStore&) = delete;

  const StoredRuns& runs() const { return runs_; }
  const StorePaths& paths() const { return paths_; }
  /// Whether an earlier process left runs in segments, and so not in FILE.
  bool found_segments() const { return found_segments_; }

  /// A run that this process has computed. It is written within a second or so, by a thread of the
  /// store. Throws where earlier ones cannot be written: the run is kept and tried again with them.
  void append(const std::string& run_id, RunRecord&& record);
  /// The same for one that was computed elsewhere.
  void append(const std::string& run_id, RunRecord&& record, const RunPlace& place);
  /// Returns when all that was appended is on disk.
  void flush();
  /// How many runs that were appended are not on disk yet.
  std::size_t waiting() const { return recorder_ ? recorder_->waiting() : 0; }

  /// Makes FILE of all runs of the plan, those pending too, and removes the segments; where none is
  /// pending, the checkpoints too. Finished runs in FILE or the segments that the plan does not have are
  /// kept in FILE.previous, or FILE.previous.2 and so on where that is taken: returns where. Nothing
  /// may be appended afterwards.
  std::vector<std::filesystem::path> publish(const Plan& plan);

 private:
  void take_stock_of_file(std::ostream& err);
  void take_stock_of_segments();
  std::vector<std::filesystem::path> sources() const;
  /// Puts runs into a segment, and keeps them as long as there is room.
  void store(std::span<FinishedRun> runs);
  void write_all(const Plan& plan);

  StorePaths paths_;
  const Definition& definition_;
  Provenance provenance_;
  RunPlace here_;
  FileLock lock_;
  SegmentFolder segments_;
  StoredRuns runs_;
  bool found_segments_ = false;
  /// Of the segments, what need not be read again. The recorder's thread alone adds to it.
  std::vector<FinishedRun> at_hand_;
  std::size_t at_hand_bytes_ = 0;
  std::unique_ptr<Recorder> recorder_;
};

}  // namespace plumbline
