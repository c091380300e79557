// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "engine/datasets/dataset.hpp"
#include "engine/training/run_configuration.hpp"

namespace plumbline {

/// So many runs at once, each on a thread of its own, beside one.
struct ThreadScaling {
  int threads = 1;
  double steps_per_second =
      0;                ///< of all runs together, as joint_rate(): the median over the quiet rounds
  double over_one = 1;  ///< times the rate of one run: the median of the rounds' ratios
  double streams_over_one =
      1;  ///< the same of multiply-adds, measured before and after each window
  std::size_t quiet_rounds = 0;  ///< 0: none was, and the medians are over all
};

/// Trains the same run on up to the largest of `threads` threads, the first of which is 1, in rounds: a
/// round lets each number of threads train for a window of about `window_seconds`, between two
/// measurements of as many streams of multiply-adds. It is quiet for a number of threads where these, and
/// those of one thread, reach kQuiet of the best of their number. There are `rounds`, or up to three times
/// as many until that many are quiet for every number of threads. The first step of a run is not counted, nor what
/// comes before it. Empty where the run has no second update. Every pass over it must come to that
/// update, as it does where time_steps() kept a step. Throws what a run throws.
std::vector<ThreadScaling> measure_scaling(const RunConfiguration& run, const Dataset& data,
                                           const std::vector<int>& threads, int rounds,
                                           double window_seconds);

}  // namespace plumbline
