// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "experiments/runner/profile/step_clock.hpp"

namespace plumbline {

/// A piece of work of some microseconds; returns how much it was.
using Stream = std::function<double()>;

/// How much was done, and when.
struct WorkSpan {
  double work = 0;
  Nanoseconds begin = 0;
  Nanoseconds end = 0;
};

/// Goes on until the deadline, and ends with the piece that is in work then.
WorkSpan work_until(const Stream& stream, Nanoseconds deadline);

/// The work of all in a second between the first begin and the last end. The sum of each one's own rate
/// would be more where they were not all at work at the same time.
double joint_rate(std::span<const WorkSpan> spans);

/// Work a second on the calling thread, for about so many seconds.
double stream_rate(const Stream& stream, double seconds);

/// The joint rates of so many streams, each on a thread of its own and one of these the calling thread,
/// in each of the repetitions. They start at once and have one deadline. `make` is called at once on each
/// thread, which so is the first to touch its stream's memory, and what it made works once before the
/// first repetition. Throws what `make` or a stream throws, and std::system_error where there are no
/// more threads to be had.
std::vector<double> joint_rates(int streams, const std::function<Stream()>& make, int repetitions,
                                double seconds);

}  // namespace plumbline
