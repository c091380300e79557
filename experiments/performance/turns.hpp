// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <ctime>
#include <vector>

#include "experiments/runner/profile/median.hpp"

namespace plumbline {

/// What a call took: time, and time of all processors that worked on it.
struct Seconds {
  double wall = 0;
  double processor = 0;
};

template <class Call>
Seconds seconds_of(const Call& call) {
  using std::chrono::steady_clock;
  const auto processor_now = [] {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const auto wall = steady_clock::now();
  const double processor = processor_now();
  call();
  return {std::chrono::duration<double>(steady_clock::now() - wall).count(),
          processor_now() - processor};
}

/// Two variants that take turns, first the one and then the other, so that a machine that is slow for
/// a while is slow for both.
class Turns {
 public:
  /// Runs each variant once; returns what the first took.
  template <class First, class Second>
  Seconds take(const First& first, const Second& second) {
    Seconds one, other;
    if (one_first_) {
      one = seconds_of(first);
      other = seconds_of(second);
    } else {
      other = seconds_of(second);
      one = seconds_of(first);
    }
    one_first_ = !one_first_;
    wall_.push_back(one.wall / other.wall);
    processor_.push_back(one.processor / other.processor);
    return one;
  }

  /// Medians over the turns of the first variant's time over the second's.
  double wall_ratio() const { return median(wall_); }
  double processor_ratio() const { return median(processor_); }

 private:
  bool one_first_ = true;
  std::vector<double> wall_;
  std::vector<double> processor_;
};

}  // namespace plumbline
