// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <csignal>

namespace plumbline {

/// While it lives, SIGINT, SIGTERM and SIGHUP end nothing, but wait() instead. One that the program was
/// started to ignore stays ignored. At most one may live at a time; the destructor puts back what was
/// there.
class SignalWait {
 public:
  SignalWait();
  ~SignalWait();
  SignalWait(const SignalWait&) = delete;
  SignalWait& operator=(const SignalWait&) = delete;

  /// Waits so long, and returns whether a signal came, now or before.
  bool wait(double seconds) const;

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};
  std::array<struct sigaction, kSignals.size()> before_{};
};

}  // namespace plumbline
