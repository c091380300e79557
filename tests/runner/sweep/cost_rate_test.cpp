// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/sweep/cost_rate.hpp"

#include <gtest/gtest.h>

namespace plumbline {
namespace {

TEST(CostRateTest, IsOverTheTimeInWhichAnyRunWasComputed) {
  EXPECT_EQ(cost_rate({}), std::nullopt);
  EXPECT_EQ(cost_rate({{100, 2, 10}}), 5.0);
  EXPECT_EQ(cost_rate({{100, 2, 10}, {100, 2, 10}}), 10.0) << "side by side";
  EXPECT_EQ(cost_rate({{102, 2, 10}, {100, 2, 10}}), 5.0) << "one after the other";
  EXPECT_EQ(cost_rate({{100, 2, 10}, {1100, 2, 10}}), 5.0) << "a pause does not count";
  EXPECT_EQ(cost_rate({{100, 10, 30}, {102, 2, 10}, {109, 3, 8}}), 4.0) << "12 s in all";
}

TEST(CostRateTest, KnowsThatARunBeganAnywhereInItsSecond) {
  // Ten runs one after the other, of 0.1 s each.
  EXPECT_EQ(cost_rate(std::vector<TimedRun>(10, {100, 0.1, 3})), 30.0);
  // From 100.9 to 102.7, 104.5 and 106.3 s.
  const std::vector<TimedRun> in_turn = {{100, 1.8, 29}, {102, 1.8, 29}, {104, 1.8, 29}};
  EXPECT_DOUBLE_EQ(cost_rate(in_turn).value(), 15.0) << "from 100 to 105.8 s";
  EXPECT_EQ(cost_rate({{100, 1.5, 10}, {102.75, 1, 15}}), 10.0) << "a pause of 1.25 s";
}

TEST(CostRateTest, IsUnknownWhereNothingWasComputed) {
  EXPECT_EQ(cost_rate({{100, 2, 0}}), std::nullopt);
  EXPECT_EQ(cost_rate({{100, 2, 10}, {200, 0.1, 0}}), 5.0) << "one failed before its first step";
}

TEST(ComputedCostTest, IsThatOfTheStepsThatADivergedOrFailedRunMade) {
  RunConfiguration configuration;
  configuration.steps = 1000;
  EXPECT_EQ(computed_cost(8, RunStatus::diverged, 250, configuration), 2.0);
  EXPECT_EQ(computed_cost(8, RunStatus::failed, 0, configuration), 0.0);
  EXPECT_EQ(computed_cost(8, RunStatus::complete, 250, configuration), 8.0)
      << "it has reached its target";
  configuration.budget.max_steps = 500;
  EXPECT_EQ(computed_cost(8, RunStatus::diverged, 250, configuration), 4.0);
}

TEST(CheckpointedCostTest, IsThatOfTheUpdatesInTheRunsOwnCheckpoint) {
  RunSpec run;
  run.run_id = "one";
  run.cost = 8;
  run.configuration.steps = 1000;
  EXPECT_EQ(checkpointed_cost(run, {{"one", 250}, {"two", 500}}), 2.0);
  EXPECT_EQ(checkpointed_cost(run, {{"two", 500}}), 0.0);
}

TEST(TimedRunTest, TakesTheRunAsItWasFound) {
  RunSpec run;
  run.cost = 8;
  run.configuration.steps = 1000;
  FoundRun found;
  found.status = RunStatus::diverged;
  found.started = 100;
  found.seconds = 3;
  found.n_steps = 500;
  const TimedRun timed = timed_run(run, found);
  EXPECT_EQ(timed.started, 100);
  EXPECT_EQ(timed.seconds, 3);
  EXPECT_EQ(timed.cost, 4);
}

}  // namespace
}  // namespace plumbline
