// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <ostream>
#include <span>
#include <vector>

#include "experiments/runner/definition/definition.hpp"
#include "experiments/runner/results/provenance.hpp"
#include "experiments/runner/results/results_segment.hpp"
#include "experiments/runner/results/segment_merge.hpp"

namespace plumbline {

/// The segments of a folder, the oldest first: `00000001.h5`, ... Empty where there is no folder. Throws
/// EnvironmentError where it cannot be read.
std::vector<std::filesystem::path> segment_files(const std::filesystem::path& folder);

/// The segments of one results file, on the side of the process that holds its lock. Where they become
/// many, 16 neighbours are merged into one: those that are the least bytes together. So there are at
/// most 33 whenever merge_some() is called until it has nothing to do. Throws EnvironmentError.
class SegmentFolder {
 public:
  /// Removes temporary files that a killed process left, and says of each segment that is not what was
  /// written, on `err`, that its runs are computed again, and removes it. One that cannot be read at all,
  /// as with too many open files, stays, and this throws.
  SegmentFolder(std::filesystem::path folder, const Definition& definition,
                const Provenance& provenance, std::ostream& err);
  SegmentFolder(const SegmentFolder&) = delete;
  SegmentFolder& operator=(const SegmentFolder&) = delete;

  std::vector<std::filesystem::path> files() const;
  /// Makes a segment of these runs, at least one. The first makes the folder.
  void add(std::span<const FinishedRun> runs);
  /// Does a piece of merging, if any is to be done; returns whether more is. A merge that fails, as
  /// on a full disk or out of memory, is given up: no run depends on it.
  bool merge_some();
  /// Removes the segments and the folder.
  void remove_all();

 private:
  struct Segment {
    std::filesystem::path path;
    std::uintmax_t bytes = 0;
  };

  void begin_merge();
  void end_merge();

  std::filesystem::path folder_;
  const Definition* definition_;
  const Provenance* provenance_;
  std::vector<Segment> segments_;
  std::uint64_t last_number_ = 0;
  std::size_t merge_beyond_;  ///< so many segments
  std::unique_ptr<SegmentMerge> merge_;
  std::size_t merge_first_ = 0;  ///< of segments_
};

}  // namespace plumbline
