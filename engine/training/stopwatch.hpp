// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

#include "engine/core/state_archive.hpp"

namespace plumbline {

/// Of this thread, since it began.
inline double thread_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// The time that a run takes on the thread that made the watch, over all the pieces that it is computed in,
/// without what is left out of it.
class Stopwatch {
 public:
  double wall_seconds() const {
    return wall_before_ + std::chrono::duration<double>(Clock::now() - wall_begin_).count();
  }
  double cpu_seconds() const { return cpu_before_ + thread_cpu_seconds() - cpu_begin_; }
  /// What passes from stop() to go_on() is left out.
  void stop() {
    wall_stopped_ = Clock::now();
    cpu_stopped_ = thread_cpu_seconds();
  }
  void go_on() {
    wall_begin_ += Clock::now() - wall_stopped_;
    cpu_begin_ += thread_cpu_seconds() - cpu_stopped_;
  }
  /// When the first piece began, in seconds since 1970-01-01 UTC.
  std::int64_t started() const { return started_; }

  /// Restored, it goes on from where it was saved, with what has passed on this watch since it was made.
  void archive(StateArchive& kept) {
    double wall = wall_seconds();
    double cpu = cpu_seconds();
    kept(wall, cpu, started_);
    if (!kept.restores()) return;
    wall_before_ = wall;
    cpu_before_ = cpu;
  }

 private:
  using Clock = std::chrono::steady_clock;

  Clock::time_point wall_begin_ = Clock::now();
  double cpu_begin_ = thread_cpu_seconds();
  double wall_before_ = 0;
  double cpu_before_ = 0;
  Clock::time_point wall_stopped_ = {};
  double cpu_stopped_ = 0;
  std::int64_t started_ = std::chrono::duration_cast<std::chrono::seconds>(
                              std::chrono::system_clock::now().time_since_epoch())
                              .count();
};

}  // namespace plumbline
