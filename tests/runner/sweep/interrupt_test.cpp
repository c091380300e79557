// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/sweep/interrupt.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace plumbline {
namespace {

/// Begins with the default actions: a test under nohup or in the background starts with others.
class InterruptTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ}) {
      std::signal(signal, SIG_DFL);
    }
  }
};

using InterruptDeathTest = InterruptTest;

TEST_F(InterruptTest, SetsStopAtTheFirstSignal) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Interrupt interrupt;
    EXPECT_FALSE(interrupt.stop());
    EXPECT_FALSE(interrupt.signalled());
    std::raise(signal);
    EXPECT_TRUE(interrupt.stop());
    EXPECT_TRUE(interrupt.signalled());
  }
}

TEST_F(InterruptTest, TellsASignalFromAStopOfTheProgramItself) {
  Interrupt interrupt;
  interrupt.stop() = true;
  EXPECT_FALSE(interrupt.signalled());
}

TEST_F(InterruptTest, SaysWhatHappensNext) {
  testing::internal::CaptureStderr();
  {
    Interrupt interrupt;
    std::raise(SIGINT);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "\nInterrupted: runs that are under way end at their checkpoints, or are dropped; "
            "finished runs are kept."
            " Once more ends at once and keeps nothing new.\n");
}

TEST_F(InterruptTest, LeavesIgnoredSignalsIgnored) {
  std::signal(SIGHUP, SIG_IGN);
  Interrupt interrupt;
  std::raise(SIGHUP);
  EXPECT_FALSE(interrupt.stop());
}

TEST_F(InterruptTest, PutsBackWhatWasThere) {
  {
    Interrupt interrupt;
  }
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ}) {
    struct sigaction now{};
    ASSERT_EQ(sigaction(signal, nullptr, &now), 0);
    EXPECT_EQ(now.sa_handler, SIG_DFL) << "signal " << signal;
  }
}

TEST_F(InterruptDeathTest, EndsTheProgramAtTheSecondSignal) {
  const auto twice = [] {
    Interrupt interrupt;
    std::raise(SIGTERM);
    std::raise(SIGINT);
  };
  EXPECT_EXIT(twice(), testing::KilledBySignal(SIGINT), "finished runs are kept");
}

TEST_F(InterruptDeathTest, SurvivesAClosedPipe) {
  const auto survives = [] {
    Interrupt interrupt;
    std::raise(SIGPIPE);
    std::raise(SIGXFSZ);
    std::_Exit(interrupt.stop() ? 1 : 0);
  };
  EXPECT_EXIT(survives(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace plumbline
