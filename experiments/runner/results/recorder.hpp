// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "experiments/runner/results/results_segment.hpp"

namespace plumbline {

/// Gathers finished runs and hands them on, in the order in which they came, to `write`, on a thread of
/// its own: those that have come in a second, or fewer where they are many bytes. `write` may keep what it
/// has written. While none is due it calls `idle` as long as that returns true, which must not take long,
/// and again after the next that are written, or every minute. No run depends on it, and it may throw.
///
/// Where `write` throws, the runs are kept and tried again after a second, and append() and flush()
/// throw what it threw, until it succeeds.
class Recorder {
 public:
  using Write = std::function<void(std::span<FinishedRun>)>;

  Recorder(Write write, std::function<bool()> idle,
           std::chrono::milliseconds idle_again = std::chrono::minutes(1));
  /// Ends the thread. What was not written, flush() not being called, is lost.
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// The run is kept, even where this throws. Waits while a slow disk is far behind. Any thread.
  void append(FinishedRun&& run);
  /// Returns when all runs that were appended before are written.
  void flush();
  /// How many are not written yet.
  std::size_t waiting() const;

 private:
  using Clock = std::chrono::steady_clock;

  void work();
  /// With `lock` held, which it gives away while it writes.
  void write_waiting(std::unique_lock<std::mutex>& lock);

  Write write_;
  std::function<bool()> idle_;
  std::chrono::milliseconds idle_again_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;     ///< of the thread
  std::condition_variable written_;  ///< of those who wait for it
  std::vector<FinishedRun> waiting_;
  std::vector<FinishedRun> in_hand_;
  std::size_t waiting_bytes_ = 0;
  Clock::time_point due_;  ///< of the oldest in waiting_
  std::uint64_t flushes_wanted_ = 0;
  std::uint64_t flushes_done_ = 0;
  std::exception_ptr error_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace plumbline
