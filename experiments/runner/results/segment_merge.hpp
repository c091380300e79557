// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "experiments/runner/results/results_segment.hpp"

namespace plumbline {

/// Copies the finished runs of results files into one segment, a piece at a time. Of a run that stands
/// in several, the one counts that supersedes the others. The oldest file is the first. Throws EnvironmentError.
class SegmentMerge {
 public:
  /// The runs that `keep` accepts; all where there is none. `target` may be one of the sources, which
  /// it then replaces at the end. Where the last source that a run comes from is of another definition
  /// than `definition`, the segment says of itself what that file says.
  SegmentMerge(const std::vector<std::filesystem::path>& sources, std::filesystem::path target,
               const Definition& definition, const Provenance& provenance,
               const std::function<bool(const std::string& run_id)>& keep = {});

  /// How many runs the segment gets. Where it is 0 none is made, and nothing is to be done.
  std::size_t runs() const { return runs_; }
  /// Copies the next piece, some megabytes. Returns whether more is to be done; false means that the
  /// segment stands there whole.
  bool step();

 private:
  struct Source {
    std::unique_ptr<ResultsReader> reader;
    std::vector<std::string> run_ids;
    std::vector<char> wanted;  ///< of each run
  };

  std::vector<Source> sources_;
  std::size_t runs_ = 0;
  std::unique_ptr<SegmentWriter> writer_;
  std::size_t source_ = 0;  ///< the next piece begins here,
  std::size_t place_ = 0;   ///< at this run
};

}  // namespace plumbline
