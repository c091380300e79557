// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/network/network.hpp"
#include "experiments/runner/machine/cache_sizes.hpp"

namespace plumbline {

/// A place that data come from, and how fast.
struct MemoryLevel {
  std::string name;     ///< L1, L2, L3, memory
  double capacity = 0;  ///< bytes; 0: not known
  double buffers = 0;   ///< bytes that one stream works on; for several see stream_buffer()
  /// Bytes read and written a second, for each number of threads: by copies from one buffer into
  /// another, and by updates of one buffer in its place. A copy moves more than it counts, as a cache line
  /// comes in before it is written. NaN where so many streams have no size of this level.
  std::vector<double> copy = {};
  std::vector<double> update = {};
};

/// What the machine can do at most, as it was measured in this process.
struct Ceiling {
  std::vector<int> threads;             ///< the numbers of streams, the first of them 1
  std::vector<double> multiply_add[2];  ///< flop/s of all streams together, by Precision
  /// By how much so many streams are faster than one, in multiply-adds of float32: the median over
  /// the repetitions, each of which measures all numbers of streams one after the other.
  std::vector<double> streams_over_one;
  CacheSizes caches;
  std::vector<MemoryLevel> levels;

  const std::vector<double>& flops(Precision precision) const {
    return multiply_add[static_cast<std::size_t>(precision)];
  }
};

/// Bytes for each of so many streams to work on. Those of L3 share its `buffers`; those of memory share so
/// many times its `buffers` as there are L3 caches that could hold them. But each must be beyond L2: NaN
/// where all of them then exceed the level's capacity, or, of memory, half of what is available. Streams
/// may run on any cores, so that a machine's L3 caches count as one for what fits into L3.
double stream_buffer(const MemoryLevel& level, int streams, const CacheSizes& caches);

/// Measures it in about (threads x (levels + 1)) x 0.1 s: for each number of `threads` so many
/// independent streams of the same kernel, multiply-adds from registers to registers, a copy or
/// an update within the level, each in memory that its own thread was the first to touch. A rate is that
/// of all streams from the first's begin to the last's end, the quiet median of eleven repetitions;
/// those of multiply-adds take turns.
Ceiling measure_ceiling(const std::vector<int>& threads);

/// One stream's multiply-adds a second, on the calling thread, for about so many seconds.
double multiply_add_rate(Precision precision, double seconds);
/// Those of `streams` threads together.
double multiply_add_rate(Precision precision, int streams, double seconds);
/// Bytes read and written a second on the calling thread, in buffers that take `bytes`: by a copy or by
/// an update in place, whichever is faster. Quiet medians of eleven repetitions.
double traffic_rate(double bytes);

/// The median of the rates that are at least `kQuiet` of the best: on a shared machine the others tell
/// of the neighbours.
double quiet_median(std::span<const double> rates);
inline constexpr double kQuiet = 0.9;

}  // namespace plumbline
