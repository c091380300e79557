// SPDX-License-Identifier: Apache-2.0
#include "engine/core/hdf5_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <new>
#include <system_error>

#include "engine/core/error.hpp"
#include "engine/core/hdf5_handle.hpp"

namespace plumbline::hdf5 {

namespace {

constexpr char kReturned = 'r';
constexpr char kThrew = 't';

std::string system_message() { return std::generic_category().message(errno); }

/// Processor time for a file: far more than reading it takes, a minute and a second for each megabyte.
rlim_t seconds_for(const std::string& path) {
  constexpr std::uintmax_t kMegabyte = 1000000;
  std::error_code unknown;
  const std::uintmax_t bytes = std::filesystem::file_size(path, unknown);
  return 60 + (unknown ? 0 : bytes / kMegabyte);
}

/// A crash ends this process at once: no handler that a program or sanitizer has set, no core file.
/// Signals that ask the program to stop are the parent's matter; this process ends with it, and so does
/// its share of the parent's locks.
void die_quietly(const std::string& path) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_IGN);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGXCPU, SIGALRM, SIGPIPE}) {
    std::signal(signal, SIG_DFL);
  }
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  const rlimit time{seconds_for(path), RLIM_INFINITY};
  setrlimit(RLIMIT_CPU, &time);
  alarm(static_cast<unsigned>(10 * time.rlim_cur));  // should it wait for what never comes
}

std::string answer_of(const std::string& path, const std::function<std::string()>& look) {
  try {
    return kReturned + look();
  } catch (const std::bad_alloc&) {
    return kThrew + path + ": there is not enough memory for what it says it holds";
  } catch (const std::exception& error) {
    return kThrew + std::string(error.what());
  }
}

void write_all(int file, const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = ::write(file, text.data() + written, text.size() - written);
    if (count < 0 && errno != EINTR) return;
    if (count > 0) written += static_cast<std::size_t>(count);
  }
}

std::string read_all(int file) {
  std::string text;
  std::array<char, 4096> chunk;
  for (;;) {
    const ssize_t count = ::read(file, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

std::string in_own_process(const std::string& path, const std::function<std::string()>& look) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw EnvironmentError(path + ": cannot be looked at: " + system_message());
  }
  // No other thread is inside the library while it is copied.
  const Turn turn;
  const pid_t child = fork();
  if (child == 0) {
    Turn::begin_in_copy();
    die_quietly(path);
    write_all(ends[1], answer_of(path, look));
    ::_exit(0);  // the copy, and nothing of what this process does at its end
  }
  const std::string why = system_message();
  ::close(ends[1]);
  const std::string answer = child < 0 ? "" : read_all(ends[0]);
  ::close(ends[0]);
  if (child < 0) throw EnvironmentError(path + ": cannot be looked at: " + why);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!answer.empty() && answer.front() == kReturned) return answer.substr(1);
  if (!answer.empty()) throw EnvironmentError(answer.substr(1));
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (signal == SIGXCPU || signal == SIGALRM) {
    throw EnvironmentError(path + ": is damaged: the HDF5 library does not come to an end");
  }
  for (const int crash : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    if (signal == crash) {
      throw EnvironmentError(path + ": is damaged: the HDF5 library crashes on it");
    }
  }
  throw EnvironmentError(path + ": cannot be looked at: the process that reads it was ended" +
                         (signal == 0 ? "" : " by signal " + std::to_string(signal)));
}

}  // namespace plumbline::hdf5
