// SPDX-License-Identifier: Apache-2.0
#include "engine/schedules/schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "tests/plugins.hpp"

namespace plumbline {
namespace {

// A cosine, a sum and two products of numbers up to 1.
constexpr double kTolerance = 4e-16;

std::string name_of(const testing::TestParamInfo<std::string>& info) { return info.param; }

class EverySchedule : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Catalogue, EverySchedule, testing::ValuesIn(schedule_catalogue().names()),
                         name_of);

TEST_P(EverySchedule, HasAFiniteFactorThatIsNotNegativeAtEveryUpdate) {
  const auto schedule = made(schedule_catalogue(), GetParam().c_str());
  for (const std::int64_t steps : {1, 2, 3, 1000}) {
    double largest = 0;
    for (std::int64_t step = 1; step <= steps; ++step) {
      const double factor = schedule->factor(step, steps);
      EXPECT_TRUE(std::isfinite(factor));
      EXPECT_GE(factor, 0);
      largest = std::max(largest, factor);
    }
    EXPECT_GT(largest, 0) << steps << " steps";
  }
}

TEST(Constant, IsOne) {
  const auto schedule = made(schedule_catalogue(), "constant");
  for (const std::int64_t step : {1, 50, 100}) EXPECT_EQ(schedule->factor(step, 100), 1);
}

TEST(Cosine, BeginsAtTheFullLearningRate) {
  const auto schedule = made(schedule_catalogue(), "cosine");
  EXPECT_EQ(schedule->factor(1, 100), 1);
  EXPECT_EQ(schedule->factor(1, 1), 1);
}

TEST(Cosine, IsHalfWayDownInTheMiddle) {
  const auto schedule = made(schedule_catalogue(), "cosine");
  EXPECT_NEAR(schedule->factor(51, 100), 0.5, kTolerance);
  const auto to_a_fifth = made(schedule_catalogue(), "cosine", table_of({{"final", 0.2}}));
  EXPECT_NEAR(to_a_fifth->factor(51, 100), 0.6, kTolerance);
}

TEST(Cosine, LastUpdateIsOneStepShortOfTheEnd) {
  // (1 + cos(pi (1 - 1/T))) / 2 = sin^2(pi / 2T).
  const double expected = std::pow(std::sin(std::numbers::pi / 200), 2);
  const auto schedule = made(schedule_catalogue(), "cosine");
  EXPECT_NEAR(schedule->factor(100, 100), expected, kTolerance);
  EXPECT_GT(expected, 1e11 * kTolerance);
  const auto to_a_fifth = made(schedule_catalogue(), "cosine", table_of({{"final", 0.2}}));
  EXPECT_NEAR(to_a_fifth->factor(100, 100), 0.2 + 0.8 * expected, kTolerance);
}

TEST(Cosine, HasTheClosedFormAtAThird) {
  // cos(pi / 3) = 1/2.
  const auto schedule = made(schedule_catalogue(), "cosine");
  EXPECT_NEAR(schedule->factor(101, 300), 0.75, kTolerance);
  EXPECT_NEAR(schedule->factor(201, 300), 0.25, kTolerance);
}

TEST(Cosine, FallsAllTheWay) {
  const auto schedule = made(schedule_catalogue(), "cosine");
  for (std::int64_t step = 2; step <= 100; ++step) {
    EXPECT_LT(schedule->factor(step, 100), schedule->factor(step - 1, 100));
  }
}

TEST(Cosine, WithFinalOneIsConstant) {
  const auto schedule = made(schedule_catalogue(), "cosine", table_of({{"final", 1.0}}));
  for (const std::int64_t step : {1, 50, 100}) EXPECT_EQ(schedule->factor(step, 100), 1);
}

double factor_of(const char* name, const SettingsTable& settings, std::int64_t step,
                 std::int64_t steps) {
  return made(schedule_catalogue(), name, settings)->factor(step, steps);
}

TEST(Step, DropsInTheUpdateAfterAMilestone) {
  SettingsTable settings = table_of({{"gamma", 0.5}});
  settings.set("milestones", {SettingList{{std::int64_t{3}, {}}, {std::int64_t{5}, {}}}, {}});
  EXPECT_EQ(factor_of("step", settings, 3, 100), 1);
  EXPECT_EQ(factor_of("step", settings, 4, 100), 0.5);
  EXPECT_EQ(factor_of("step", settings, 5, 100), 0.5);
  EXPECT_EQ(factor_of("step", settings, 6, 100), 0.25);
  EXPECT_EQ(factor_of("step", settings, 100, 100), 0.25);
}

TEST(Step, ByDefaultDropsAtHalfAndThreeQuartersOfTheRun) {
  EXPECT_EQ(factor_of("step", {}, 32000, 64000), 1);
  EXPECT_EQ(factor_of("step", {}, 32001, 64000), 0.1);
  EXPECT_EQ(factor_of("step", {}, 48000, 64000), 0.1);
  EXPECT_NEAR(factor_of("step", {}, 48001, 64000), 0.01, kTolerance);
}

TEST(CosineRestarts, StartsAgainAtTheFullLearningRate) {
  const SettingsTable settings = table_of({{"period", 10}, {"period_factor", 3}});
  for (const std::int64_t first : {1, 11, 41, 131}) {
    EXPECT_EQ(factor_of("cosine_restarts", settings, first, 1000), 1) << first;
    EXPECT_LT(factor_of("cosine_restarts", settings, first + 1, 1000), 1) << first;
  }
  EXPECT_NEAR(factor_of("cosine_restarts", settings, 26, 1000), 0.5, kTolerance);
  EXPECT_LT(factor_of("cosine_restarts", settings, 40, 1000), 0.01);
}

TEST(CosineRestarts, OfOnePeriodAsLongAsTheRunIsTheCosine) {
  const auto cosine = made(schedule_catalogue(), "cosine");
  const auto restarts = made(schedule_catalogue(), "cosine_restarts", table_of({{"period", 50}}));
  for (std::int64_t step = 1; step <= 50; ++step) {
    EXPECT_EQ(restarts->factor(step, 50), cosine->factor(step, 50));
  }
}

TEST(CosineRestarts, OfTheLongestPeriodsAndRunsHasAFactor) {
  const SettingsTable settings = table_of({{"period", 1000000000}, {"period_factor", 1000000}});
  EXPECT_EQ(factor_of("cosine_restarts", settings, 1000000001, 2147483647), 1);
  EXPECT_EQ(factor_of("cosine_restarts", table_of({{"period", 1}, {"period_factor", 1}}),
                      2147483647, 2147483647),
            1);
}

TEST(Linear, FallsByTheSameInEveryUpdateAndEndsOneStepShort) {
  EXPECT_EQ(factor_of("linear", {}, 1, 4), 1);
  EXPECT_EQ(factor_of("linear", {}, 2, 4), 0.75);
  EXPECT_EQ(factor_of("linear", {}, 4, 4), 0.25);
  EXPECT_EQ(factor_of("linear", table_of({{"final", 0.5}}), 3, 4), 0.75);
}

TEST(Exponential, MultipliesByGammaInEveryUpdateButTheFirst) {
  const SettingsTable settings = table_of({{"gamma", 0.5}});
  EXPECT_EQ(factor_of("exponential", settings, 1, 10), 1);
  EXPECT_EQ(factor_of("exponential", settings, 2, 10), 0.5);
  EXPECT_EQ(factor_of("exponential", settings, 11, 10), 0x1p-10);
}

TEST(WarmupStableDecay, RisesStandsAndFalls) {
  const SettingsTable settings =
      table_of({{"warmup", 0.1}, {"decay", 0.25}, {"shape", "linear"}, {"final", 0.2}});
  EXPECT_NEAR(factor_of("warmup_stable_decay", settings, 1, 100), 0.1, kTolerance);
  EXPECT_NEAR(factor_of("warmup_stable_decay", settings, 5, 100), 0.5, kTolerance);
  for (const std::int64_t step : {10, 11, 50, 76}) {
    EXPECT_EQ(factor_of("warmup_stable_decay", settings, step, 100), 1) << step;
  }
  EXPECT_NEAR(factor_of("warmup_stable_decay", settings, 77, 100), 1 - 0.8 / 25, kTolerance);
  EXPECT_NEAR(factor_of("warmup_stable_decay", settings, 100, 100), 0.2 + 0.8 / 25, kTolerance);
}

TEST(WarmupStableDecay, FallsInTheShapeOfItsChoice) {
  // The decay begins after update 20 and is 80 updates long; after 20 of them, a quarter is over.
  const auto at_a_quarter = [](const char* shape) {
    const SettingsTable settings = table_of({{"warmup", 0.0}, {"decay", 0.8}, {"shape", shape}});
    return factor_of("warmup_stable_decay", settings, 20 + 20 + 1, 100);
  };
  EXPECT_NEAR(at_a_quarter("linear"), 0.75, kTolerance);
  EXPECT_NEAR(at_a_quarter("one_minus_sqrt"), 0.5, kTolerance);
  EXPECT_NEAR(at_a_quarter("cosine"), (1 + std::numbers::sqrt2 / 2) / 2, kTolerance);
}

TEST(WarmupStableDecay, TakesTheSmallerWhereWarmUpMeetsDecay) {
  const SettingsTable settings =
      table_of({{"warmup_steps", 80}, {"decay", 1}, {"shape", "linear"}});
  EXPECT_NEAR(factor_of("warmup_stable_decay", settings, 20, 100), 0.25, kTolerance);
  EXPECT_NEAR(factor_of("warmup_stable_decay", settings, 71, 100), 0.3, kTolerance);
}

TEST(InverseSquareRoot, HasItsPeakAtTheOffsetAndHalfOfItAtFourTimesThat) {
  for (const bool warm_up : {true, false}) {
    SettingsTable settings = table_of({{"offset", 100}});
    settings.set("warm_up", {warm_up, {}});
    EXPECT_EQ(factor_of("inverse_square_root", settings, 25, 1000), warm_up ? 0.25 : 1);
    EXPECT_EQ(factor_of("inverse_square_root", settings, 100, 1000), 1);
    EXPECT_EQ(factor_of("inverse_square_root", settings, 400, 1000), 0.5);
  }
}

TEST(OneCycle, GoesFromStartToThePeakAndDownToTheEnd) {
  for (const char* anneal : {"cosine", "linear"}) {
    const SettingsTable settings =
        table_of({{"peak", 0.25}, {"start", 0.1}, {"final", 0.02}, {"anneal", anneal}});
    EXPECT_NEAR(factor_of("one_cycle", settings, 1, 1000), 0.1, kTolerance);
    EXPECT_NEAR(factor_of("one_cycle", settings, 126, 1000), 0.55, kTolerance);
    EXPECT_EQ(factor_of("one_cycle", settings, 251, 1000), 1);
    EXPECT_NEAR(factor_of("one_cycle", settings, 626, 1000), 0.51, kTolerance);
    EXPECT_LT(factor_of("one_cycle", settings, 1000, 1000), 0.022);
    EXPECT_GT(factor_of("one_cycle", settings, 1000, 1000), 0.02);
  }
}

TEST(Warmup, RisesToTheFullLearningRateAndThenIsTheInnerScheduleOfTheRest) {
  const SettingsTable settings =
      table_of({{"steps", 20}, {"start", 0.2}, {"inner.name", "linear"}, {"inner.final", 0.5}});
  EXPECT_NEAR(factor_of("warmup", settings, 1, 100), 0.24, kTolerance);
  EXPECT_NEAR(factor_of("warmup", settings, 10, 100), 0.6, kTolerance);
  EXPECT_EQ(factor_of("warmup", settings, 20, 100), 1);
  const auto inner = made(schedule_catalogue(), "linear", table_of({{"final", 0.5}}));
  for (const std::int64_t step : {21, 50, 100}) {
    EXPECT_EQ(factor_of("warmup", settings, step, 100), inner->factor(step - 20, 80));
  }
}

TEST(Warmup, LongerThanTheRunNeverEnds) { EXPECT_EQ(factor_of("warmup", {}, 50, 50), 0.5); }

TEST(Warmup, TakesAnyScheduleOfTheCatalogue) {
  for (const std::string& name : schedule_catalogue().names()) {
    const auto inner = made(schedule_catalogue(), name.c_str());
    const SettingsTable settings = table_of({{"steps", 3}, {"inner", name.c_str()}});
    EXPECT_EQ(factor_of("warmup", settings, 10, 50), inner->factor(7, 47)) << name;
  }
}

std::vector<Problem> problems_of(const char* name, const SettingsTable& table) {
  SettingsReport report;
  Settings settings(table, "schedule", report, {"run.toml", 1, 1});
  schedule_catalogue().find(name)->make(settings);
  settings.finish();
  return report.problems;
}

void expect_problem(const std::vector<Problem>& problems, const std::string& message, int line) {
  ASSERT_EQ(problems.size(), 1) << message;
  EXPECT_NE(problems[0].message.find(message), std::string::npos) << problems[0].message;
  EXPECT_EQ(problems[0].place, (Place{"run.toml", line, 1}));
}

SettingNode at_line(int line, decltype(SettingNode::value) value) {
  return {std::move(value), {"run.toml", line, 1}};
}

TEST(Step, RefusesEveryBesideMilestones) {
  SettingsTable table;
  table.set("milestones", at_line(2, SettingList{{std::int64_t{3}, {}}}));
  EXPECT_TRUE(problems_of("step", table).empty());
  table.set("every", at_line(3, std::int64_t{3}));
  expect_problem(problems_of("step", table), "'schedule.every' is given beside 'milestones'", 3);
}

TEST(WarmupStableDecay, RefusesMoreThanTheWholeRun) {
  SettingsTable table;
  table.set("warmup", at_line(2, 0.81));
  expect_problem(problems_of("warmup_stable_decay", table), "'schedule.warmup' leaves no room", 2);
  table.set("decay", at_line(3, 0.3));
  expect_problem(problems_of("warmup_stable_decay", table), "'schedule.decay' leaves no room", 3);
  table.set("decay", at_line(3, 0.19));
  EXPECT_TRUE(problems_of("warmup_stable_decay", table).empty());
}

TEST(WarmupStableDecay, RefusesWarmupStepsBesideWarmup) {
  SettingsTable table;
  table.set("warmup_steps", at_line(2, std::int64_t{30}));
  EXPECT_TRUE(problems_of("warmup_stable_decay", table).empty());
  table.set("warmup", at_line(3, 0.1));
  expect_problem(problems_of("warmup_stable_decay", table), "'schedule.warmup_steps' is given", 2);
}

TEST(Warmup, ReportsWhatIsWrongWithItsInnerSchedule) {
  SettingsTable table;
  SettingsTable inner;
  inner.set("name", at_line(4, std::string("cosine")));
  inner.set("final", at_line(5, 2.0));
  table.set("inner", at_line(3, inner));
  expect_problem(problems_of("warmup", table), "'schedule.inner.final' is 2", 5);
  inner = SettingsTable();
  inner.set("name", at_line(4, std::string("cosin")));
  table.set("inner", at_line(3, inner));
  expect_problem(problems_of("warmup", table), "'cosin' is not among the schedules", 4);
}

}  // namespace
}  // namespace plumbline
