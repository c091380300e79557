// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/sweep/signal_wait.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace plumbline {

namespace {

/// A counter that can be waited for. Holding signals back and waiting for them would not do: a thread
/// that a library began before, as OpenBLAS does, would take them.
int came = -1;

extern "C" void on_watched_signal(int) {
  const int error_before = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(came, &one, sizeof one);
  errno = error_before;
}

}  // namespace

SignalWait::SignalWait() {
  came = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (came < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler == SIG_IGN) continue;
    struct sigaction action{};
    action.sa_handler = on_watched_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(kSignals[i], &action, nullptr);
  }
}

SignalWait::~SignalWait() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before_[i], nullptr);
  ::close(came);
}

bool SignalWait::wait(double seconds) const {
  pollfd event{came, POLLIN, 0};
  constexpr double kMilliseconds = 1e3;
  const int found = ::poll(&event, 1, static_cast<int>(seconds * kMilliseconds));
  // A signal interrupts poll() too, whatever SA_RESTART says.
  return found > 0 || (found < 0 && ::poll(&event, 1, 0) > 0);
}

}  // namespace plumbline
