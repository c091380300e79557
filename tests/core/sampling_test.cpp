// SPDX-License-Identifier: Apache-2.0
#include "engine/core/sampling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/plugins.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;

Sampling sampling(const SettingsTable& given) {
  return read_with(given, [](Settings& settings) { return Sampling(settings); });
}

SettingsTable listed(const std::vector<std::int64_t>& steps) {
  SettingList list;
  for (const std::int64_t step : steps) list.push_back({step, {}});
  SettingsTable table;
  table.set("steps", {list, {}});
  return table;
}

TEST(Sampling, WithoutARuleIsTheFirstAndTheLastStep) {
  EXPECT_THAT(Sampling().steps(100), ElementsAre(0, 100));
  EXPECT_THAT(sampling({}).steps(100), ElementsAre(0, 100));
}

TEST(Sampling, EveryKStepsEndsWithTheLast) {
  EXPECT_THAT(sampling(table_of({{"every", 3}})).steps(10), ElementsAre(0, 3, 6, 9, 10));
  EXPECT_THAT(sampling(table_of({{"every", 5}})).steps(10), ElementsAre(0, 5, 10));
  EXPECT_THAT(sampling(table_of({{"every", 1}})).steps(3), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(sampling(table_of({{"every", 1000}})).steps(10), ElementsAre(0, 10));
}

TEST(Sampling, ListedStepsGetTheFirstAndTheLastAndStopThere) {
  EXPECT_THAT(sampling(listed({2, 7, 500})).steps(10), ElementsAre(0, 2, 7, 10));
  EXPECT_THAT(sampling(listed({0, 10})).steps(10), ElementsAre(0, 10));
}

TEST(Sampling, LogSpacedStepsAreEvenInTheLogarithm) {
  EXPECT_THAT(sampling(table_of({{"log_spaced", 4}})).steps(1000),
              ElementsAre(0, 1, 10, 100, 1000));
  EXPECT_THAT(sampling(table_of({{"log_spaced", 11}})).steps(1024),
              ElementsAre(0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024));
}

TEST(Sampling, LogSpacedStepsFallTogetherNearOne) {
  const std::vector<std::int64_t> steps = sampling(table_of({{"log_spaced", 50}})).steps(100);
  EXPECT_LT(steps.size(), 51U);
  EXPECT_GT(steps.size(), 30U);
  EXPECT_EQ(steps.front(), 0);
  EXPECT_EQ(steps.back(), 100);
  for (std::size_t i = 1; i < steps.size(); ++i) EXPECT_LT(steps[i - 1], steps[i]);
}

TEST(Sampling, OneLogSpacedStepIsTheLast) {
  EXPECT_THAT(sampling(table_of({{"log_spaced", 1}})).steps(100), ElementsAre(0, 100));
}

TEST(Sampling, OfARunWithoutUpdatesIsStepZero) {
  EXPECT_THAT(Sampling().steps(0), ElementsAre(0));
  EXPECT_THAT(sampling(table_of({{"every", 3}})).steps(0), ElementsAre(0));
  EXPECT_THAT(sampling(listed({0, 2})).steps(0), ElementsAre(0));
  for (const int n : {1, 2, 5}) {
    EXPECT_THAT(sampling(table_of({{"log_spaced", n}})).steps(0), ElementsAre(0));
  }
}

TEST(Sampling, OfARunOfOneUpdateIsBothEnds) {
  EXPECT_THAT(sampling(table_of({{"every", 1}})).steps(1), ElementsAre(0, 1));
  EXPECT_THAT(sampling(listed({0, 1})).steps(1), ElementsAre(0, 1));
  for (const int n : {1, 2, 5}) {
    EXPECT_THAT(sampling(table_of({{"log_spaced", n}})).steps(1), ElementsAre(0, 1));
  }
}

TEST(Sampling, TakesOneRuleAlone) {
  SettingsTable given = listed({1, 2});
  given.set("every", {std::int64_t{3}, {"net.toml", 2, 1}});
  given.set("log_spaced", {std::int64_t{3}, {"net.toml", 5, 1}});
  SettingsReport report;
  Settings settings(given, "evaluation", report);
  const Sampling two_rules(settings);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].message,
            "'evaluation.log_spaced' is a second rule; give one of every, steps and log_spaced");
  EXPECT_EQ(report.problems[0].place, (Place{"net.toml", 5, 1}));
}

}  // namespace
}  // namespace plumbline
