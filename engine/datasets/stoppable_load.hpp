// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <exception>

namespace plumbline {

/// What ends a load that nobody waits for any more.
class LoadStopped final : public std::exception {
 public:
  const char* what() const noexcept override { return "loading was stopped"; }
};

/// As long as it lives, what this thread loads ends with LoadStopped soon after `stop` has come true:
/// passes over files that are larger than memory take minutes. Of two the later one counts. Other
/// threads, as those that read ahead while a net is trained, are not concerned.
class StoppableLoad {
 public:
  explicit StoppableLoad(const std::atomic<bool>& stop);
  ~StoppableLoad();
  StoppableLoad(const StoppableLoad&) = delete;
  StoppableLoad& operator=(const StoppableLoad&) = delete;

  /// Throws LoadStopped where one of this thread has been stopped: for sources to call between blocks.
  static void check();

 private:
  const std::atomic<bool>* before_;
};

}  // namespace plumbline
