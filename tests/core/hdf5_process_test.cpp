// SPDX-License-Identifier: Apache-2.0
#include "engine/core/hdf5_process.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <new>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "engine/core/error.hpp"
#include "engine/core/hdf5_handle.hpp"

namespace plumbline::hdf5 {
namespace {

std::string refusal(const std::function<std::string()>& look) {
  try {
    return "returned " + in_own_process("own.h5", look);
  } catch (const EnvironmentError& error) {
    return error.what();
  }
}

TEST(Hdf5Process, ReturnsTextOfAnyLengthFromAnotherProcess) {
  EXPECT_NE(in_own_process("own.h5", [] { return std::to_string(getpid()); }),
            std::to_string(getpid()));
  EXPECT_EQ(in_own_process("own.h5", [] { return std::string(1000000, 'x'); }).size(), 1000000U);
  EXPECT_EQ(in_own_process("own.h5", [] { return std::string(); }), "");
}

TEST(Hdf5Process, ChangesNothingInThisProcess) {
  int calls = 0;
  in_own_process("own.h5", [&] { return std::to_string(++calls); });
  EXPECT_EQ(calls, 0);
}

TEST(Hdf5Process, LeavesSignalsThatAskToStopToItsParent) {
  EXPECT_EQ(in_own_process("own.h5",
                           [] {
                             for (const int signal : {SIGINT, SIGTERM, SIGHUP}) raise(signal);
                             return std::string("on");
                           }),
            "on");
}

char state_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t place = text.rfind(") ");
  return place == std::string::npos ? '-' : text[place + 2];
}

TEST(Hdf5Process, EndsWithItsParent) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t parent = fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    in_own_process("own.h5", [&]() -> std::string {
      const pid_t own = getpid();
      if (write(ends[1], &own, sizeof own) != sizeof own) return "";
      for (;;) pause();
    });
    _exit(0);
  }
  pid_t child = 0;
  ASSERT_EQ(read(ends[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
  EXPECT_NE(state_of(child), '-');
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (state_of(child) != '-' && state_of(child) != 'Z') {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  close(ends[0]);
  close(ends[1]);
}

TEST(Hdf5Process, ThrowsWhatIsThrownInIt) {
  EXPECT_EQ(refusal([]() -> std::string { throw EnvironmentError("own.h5: has no rows"); }),
            "own.h5: has no rows");
  EXPECT_EQ(refusal([]() -> std::string { throw std::bad_alloc(); }),
            "own.h5: there is not enough memory for what it says it holds");
}

TEST(Hdf5Process, TurnsItsEndIntoAnError) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE}) {
    EXPECT_EQ(refusal([&] {
                raise(signal);
                return std::string("on");
              }),
              "own.h5: is damaged: the HDF5 library crashes on it");
  }
  EXPECT_EQ(refusal([] {
              raise(SIGXCPU);
              return std::string("on");
            }),
            "own.h5: is damaged: the HDF5 library does not come to an end");
  // As where the memory of the machine is at its end: nothing is known of the file then.
  EXPECT_EQ(refusal([] {
              raise(SIGKILL);
              return std::string("on");
            }),
            "own.h5: cannot be looked at: the process that reads it was ended by signal 9");
}

TEST(Hdf5Process, HasItsTurnWithTheLibrary) {
  EXPECT_EQ(in_own_process("own.h5", [] { return library_version(); }), library_version());
}

}  // namespace
}  // namespace plumbline::hdf5
