// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/sweep/cost_rate.hpp"

#include <gtest/gtest.h>

namespace plumbline {
namespace {

TEST(CostRateTest, IsOverTheTimeInWhichAnyRunWasComputed) {
  EXPECT_EQ(cost_rate({}), std::nullopt);
  EXPECT_EQ(cost_rate({{100, 0, 5}}), std::nullopt);
  EXPECT_EQ(cost_rate({{100, 2, 10}}), 5.0);
  EXPECT_EQ(cost_rate({{100, 2, 10}, {100, 2, 10}}), 10.0) << "side by side";
  EXPECT_EQ(cost_rate({{102, 2, 10}, {100, 2, 10}}), 5.0) << "one after the other";
  EXPECT_EQ(cost_rate({{100, 2, 10}, {1100, 2, 10}}), 5.0) << "a pause does not count";
  EXPECT_EQ(cost_rate({{100, 10, 30}, {102, 2, 10}, {109, 3, 8}}), 4.0) << "12 s in all";
}

TEST(CostRateTest, IsUnknownWhereNothingWasComputed) {
  EXPECT_EQ(cost_rate({{100, 2, 0}}), std::nullopt);
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

}  // namespace
}  // namespace plumbline
