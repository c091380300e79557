// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/profile/step_clock.hpp"

#include <gtest/gtest.h>

namespace plumbline {
namespace {

// The n-th reading is n^2: no two phases take the same time.
Nanoseconds readings = 0;
Nanoseconds squares() {
  const Nanoseconds n = readings++;
  return n * n;
}

StepClock new_clock(std::size_t layers) {
  readings = 0;
  return StepClock(layers, squares);
}

TEST(StepClockTest, GivesThePhaseTheTimeToTheNextOne) {
  StepClock clock = new_clock(2);
  clock.enter(Phase::data, 0);      // at 0
  clock.enter(Phase::forward, 1);   // 1
  clock.enter(Phase::forward, 2);   // 4
  clock.enter(Phase::backward, 2);  // 9
  clock.enter(Phase::backward, 1);  // 16
  clock.end_step(true);             // 25
  ASSERT_EQ(clock.steps(), 1U);
  EXPECT_EQ(clock.time(0, Phase::data, 0), 1);
  EXPECT_EQ(clock.time(0, Phase::forward, 1), 3);
  EXPECT_EQ(clock.time(0, Phase::forward, 2), 5);
  EXPECT_EQ(clock.time(0, Phase::backward, 2), 7);
  EXPECT_EQ(clock.time(0, Phase::backward, 1), 9);
  EXPECT_EQ(clock.time(0, Phase::optimizer, 0), StepClock::kNotEntered);
  EXPECT_EQ(clock.total(0), 25);
}

TEST(StepClockTest, AddsUpAPhaseThatIsEnteredAgain) {
  StepClock clock = new_clock(1);
  clock.enter(Phase::data, 0);       // at 0
  clock.enter(Phase::other, 0);      // 1
  clock.enter(Phase::optimizer, 0);  // 4
  clock.enter(Phase::other, 0);      // 9
  clock.end_step(true);              // 16
  EXPECT_EQ(clock.time(0, Phase::other, 0), 3 + 7);
  EXPECT_EQ(clock.total(0), 16);
}

TEST(StepClockTest, HearsNothingBetweenSteps) {
  StepClock clock = new_clock(1);
  clock.enter(Phase::data, 0);
  clock.end_step(false);  // not kept
  clock.enter(Phase::other, 0);
  clock.end_step(true);
  EXPECT_EQ(clock.steps(), 0U);
  clock.enter(Phase::data, 0);  // the 4th reading, at 9
  clock.end_step(true);         // 16
  ASSERT_EQ(clock.steps(), 1U);
  EXPECT_EQ(clock.time(0, Phase::data, 0), 7);
  EXPECT_EQ(clock.time(0, Phase::other, 0), StepClock::kNotEntered);
}

TEST(StepClockTest, KeepsStepsApart) {
  StepClock clock = new_clock(1);
  for (int step = 0; step < 3; ++step) {
    clock.enter(Phase::data, 0);
    if (step == 1) clock.enter(Phase::probes, 0);
    clock.end_step(true);
  }
  EXPECT_EQ(clock.time(0, Phase::probes, 0), StepClock::kNotEntered);
  EXPECT_EQ(clock.time(1, Phase::data, 0), 9 - 4);
  EXPECT_EQ(clock.time(1, Phase::probes, 0), 16 - 9);
  EXPECT_EQ(clock.time(2, Phase::data, 0), 36 - 25);
}

}  // namespace
}  // namespace plumbline
