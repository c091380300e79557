// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/sweep/interrupt.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>

#include "experiments/runner/text/json_messages.hpp"

namespace plumbline {

namespace {

// A handler may touch lock-free atomics and nothing else of the language.
std::atomic<bool> stop_requested{false};
std::atomic<bool> signal_came{false};
static_assert(std::atomic<bool>::is_always_lock_free);

constexpr std::string_view kMessage =
    "Interrupted: runs that are under way end at their checkpoints, or are dropped; finished runs "
    "are "
    "kept. Once more ends at once and keeps nothing new.";

// Written before the handler is set, which only reads it.
std::string line;

extern "C" void on_signal(int) {
  const int error_before = errno;
  stop_requested = true;
  signal_came = true;
  for (const int each : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now{};
    if (sigaction(each, nullptr, &now) == 0 && now.sa_handler == on_signal) {
      now.sa_handler = SIG_DFL;
      sigaction(each, &now, nullptr);
    }
  }
  // Nothing can be done where standard error is gone, as after SIGHUP.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
  errno = error_before;
}

}  // namespace

Interrupt::Interrupt(bool as_json) {
  // The terminal has echoed ^C, and a live line may stand there.
  line = (as_json ? message_object(kMessage) : '\n' + std::string(kMessage)) + '\n';
  stop_requested = false;
  signal_came = false;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler == SIG_IGN) continue;
    struct sigaction action{};
    const bool harmless = kSignals[i] == SIGPIPE || kSignals[i] == SIGXFSZ;
    action.sa_handler = harmless ? SIG_IGN : on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(kSignals[i], &action, nullptr);
  }
}

Interrupt::~Interrupt() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before_[i], nullptr);
}

std::atomic<bool>& Interrupt::stop() { return stop_requested; }

bool Interrupt::signalled() const { return signal_came; }

}  // namespace plumbline
