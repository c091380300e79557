// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/selection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kMost = std::numeric_limits<double>::max();

TEST(MedianTest, IsTheMiddleOneOrTheMeanOfTwo) {
  EXPECT_EQ(median_for(Goal::min, {5}), 5);
  EXPECT_EQ(median_for(Goal::min, {9, 1, 4}), 4);
  EXPECT_EQ(median_for(Goal::min, {9, 1, 4, 6}), 5);
  EXPECT_EQ(median_for(Goal::max, {9, 1, 4, 6}), 5);
  EXPECT_EQ(median_for(Goal::min, {kMost, kMost}), kMost);
  EXPECT_EQ(median_for(Goal::min, {kMost, kMost / 2}), kMost * 0.75) << "a sum would be infinite";
  EXPECT_EQ(median_for(Goal::min, {5e-324, 5e-324}), 5e-324) << "half of it is zero";
  EXPECT_EQ(median_for(Goal::max, {kInfinity, kInfinity}), kInfinity);
  EXPECT_TRUE(std::isnan(median_for(Goal::min, {})));
}

TEST(MedianTest, TakesANumberThatIsNoneForTheWorst) {
  for (const Goal goal : {Goal::min, Goal::max}) {
    EXPECT_EQ(median_for(goal, {kNaN, 2, 2}), 2);
    EXPECT_TRUE(std::isnan(median_for(goal, {kNaN, 2, kNaN})));
    EXPECT_TRUE(std::isnan(median_for(goal, {kNaN, 2}))) << "one of the middle two";
  }
  EXPECT_EQ(median_for(Goal::min, {kNaN, 1, 7}), 7) << "between 1 and the worst";
  EXPECT_EQ(median_for(Goal::max, {kNaN, 1, 7}), 1);
  EXPECT_EQ(median_for(Goal::min, {kInfinity, kNaN, 1}), kInfinity);
}

TEST(SurvivorsTest, AreOneInSoManyRoundedUp) {
  EXPECT_EQ(survivors(9, 3), 3U);
  EXPECT_EQ(survivors(10, 3), 4U);
  EXPECT_EQ(survivors(12, 3), 4U);
  EXPECT_EQ(survivors(2, 3), 1U);
  EXPECT_EQ(survivors(1, 2), 1U);
  EXPECT_EQ(survivors(0, 2), 0U);
  EXPECT_EQ(survivors(7, 1'000'000), 1U);
}

TEST(BestTrialsTest, HaveTheLeastOrTheGreatestMedian) {
  const std::vector<TrialValues> trials = {{3, 3, 9}, {1, 8, 8}, {2, 2, 2}, {4, 5, 6}};
  EXPECT_THAT(best_trials(trials, Goal::min, 2), ElementsAre(0, 2));
  EXPECT_THAT(best_trials(trials, Goal::max, 2), ElementsAre(1, 3));
  EXPECT_THAT(best_trials(trials, Goal::min, 1), ElementsAre(2));
  EXPECT_THAT(best_trials(trials, Goal::min, 4), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(best_trials(trials, Goal::min, 9), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(best_trials({}, Goal::min, 1), IsEmpty());
}

TEST(BestTrialsTest, OfEqualOnesAreTheEarlier) {
  EXPECT_THAT(best_trials({{2}, {1}, {1}, {1}}, Goal::min, 2), ElementsAre(1, 2));
  EXPECT_THAT(best_trials({{2}, {1}, {2}}, Goal::max, 1), ElementsAre(0));
  EXPECT_THAT(best_trials({{0.0}, {-0.0}}, Goal::min, 1), ElementsAre(0)) << "zeros are equal";
  EXPECT_THAT(best_trials({{kNaN}, {kNaN}, {kNaN}}, Goal::min, 2), ElementsAre(0, 1));
}

TEST(BestTrialsTest, AreNotThoseThatCameToNothing) {
  for (const Goal goal : {Goal::min, Goal::max}) {
    EXPECT_THAT(best_trials({{kNaN}, {7}, {kNaN}, {3}}, goal, 2), ElementsAre(1, 3));
    EXPECT_THAT(best_trials({{kNaN}, {7}, {kNaN}}, goal, 2), ElementsAre(0, 1))
        << "unless there are no others";
  }
  EXPECT_THAT(best_trials({{kNaN}, {kInfinity}}, Goal::min, 1), ElementsAre(1));
  EXPECT_THAT(best_trials({{kNaN}, {-kInfinity}}, Goal::max, 1), ElementsAre(1));
}

}  // namespace
}  // namespace plumbline
