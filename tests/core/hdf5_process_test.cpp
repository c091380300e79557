// SPDX-License-Identifier: Apache-2.0
#include "engine/core/hdf5_process.hpp"

#include <unistd.h>

#include <csignal>
#include <functional>
#include <new>
#include <string>

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
