// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <csignal>

namespace plumbline {

/// While it lives, the first SIGINT, SIGTERM or SIGHUP sets stop() and says on standard error what
/// happens next, `as_json` in a message_object(); from then on these signals do what they do by
/// default, so that a second Ctrl-C ends the program at once. A signal that the program was started to
/// ignore (nohup, `&` in a script) stays ignored. SIGPIPE and SIGXFSZ are ignored, so that a closed reader of the progress costs
/// nothing and a file that may not grow is an error of write(). At most one may live at a time; the
/// destructor puts back what was there.
class Interrupt {
 public:
  explicit Interrupt(bool as_json = false);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// Whether the user asked to stop; whoever else ends the work may set it too.
  std::atomic<bool>& stop();
  /// Whether a signal came, as opposed to stop() set by somebody else.
  bool signalled() const;

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
  std::array<struct sigaction, kSignals.size()> before_{};
};

}  // namespace plumbline
