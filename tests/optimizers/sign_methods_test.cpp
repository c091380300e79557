// SPDX-License-Identifier: Apache-2.0
// Rules that look at the signs of gradients alone, where each step is known.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "tests/optimizers/driven.hpp"

namespace plumbline {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLeastNumber = std::numeric_limits<double>::denorm_min();
// Ten roundings of sums of about 1.
constexpr double kTolerance = 1e-14;

void expect_path(const char* name, const SettingsTable& settings,
                 const std::vector<double>& gradients, const std::vector<double>& expected) {
  const std::vector<double> w = path(name, settings, gradients);
  ASSERT_EQ(w.size(), expected.size());
  for (std::size_t t = 0; t < w.size(); ++t) {
    EXPECT_NEAR(w[t], expected[t], kTolerance * std::abs(expected[t])) << "step " << t + 1;
  }
}

// All sign methods move by the rate whatever the size of the first gradient, stay where it is zero,
// and let NaN through; for rprop the rate is its first step.
class EverySignMethod : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Names, EverySignMethod,
                         testing::Values("signsgd", "signum", "lion", "rprop"));

TEST_P(EverySignMethod, MovesByTheRateWhateverTheSizeOfTheGradient) {
  const char* rate = GetParam() == "rprop" ? "initial_step" : "lr";
  // The mean of signum and lion takes a tenth of the first gradient.
  const double least = GetParam() == "signum" || GetParam() == "lion" ? 10 : 1;
  Driven driven(GetParam().c_str(), table_of({{rate, 0.25}}), std::vector<double>(6));
  driven.step({least * kLeastNumber, -1e-200, 0, 1, -kInfinity, kNan}, 0.5);
  EXPECT_EQ(std::vector<double>(driven.w.begin(), driven.w.end() - 1),
            (std::vector<double>{-0.125, 0.125, 0, -0.125, 0.125}));
  EXPECT_TRUE(std::isnan(driven.w[5]));
}

TEST(SignSgd, ForgetsTheGradientsBefore) {
  expect_path("signsgd", table_of({{"lr", 0.5}}), {1e6, -1e-6, -1e-6}, {-0.5, 0, 0.5});
}

TEST(Signum, GoesByTheSignOfTheMean) {
  // m = 0.5, then 0.25 - 0.2 = 0.05, then 0.025 - 0.2 = -0.175.
  expect_path("signum", table_of({{"lr", 0.5}, {"momentum", 0.5}}), {1, -0.4, -0.4},
              {-0.5, -1, -0.5});
}

TEST(Lion, WeighsTheNewestGradientMoreInTheStepThanInTheMean) {
  // m = 0.25; the step's mean is then 0.125 - 0.15 < 0, that of beta2 would be 0.1875 - 0.075.
  expect_path("lion", table_of({{"lr", 0.5}, {"beta1", 0.5}, {"beta2", 0.75}}), {1, -0.3},
              {-0.5, 0});
}

TEST(Lion, DecaysByTheRateTimesTheDecay) {
  Driven driven("lion", table_of({{"lr", 0.5}, {"weight_decay", 0.25}}), {8});
  driven.step({0});
  EXPECT_EQ(driven.w[0], 8 * (1 - 0.125));
  driven.step({0}, 0.5);
  EXPECT_EQ(driven.w[0], 8 * (1 - 0.125) * (1 - 0.0625));
}

TEST(RProp, GrowsItsStepWhileTheSignStays) {
  // Moves of 0.1, 0.12, 0.144: a geometric sum. The product of gradients this small underflows.
  for (const char* variant : {"plus", "minus"}) {
    const std::vector<double> w =
        path("rprop", table_of({{"variant", variant}}), std::vector<double>(10, 1e-300));
    for (std::size_t t = 0; t < w.size(); ++t) {
      const double expected = -0.1 * (std::pow(1.2, static_cast<double>(t + 1)) - 1) / 0.2;
      EXPECT_NEAR(w[t], expected, kTolerance * -expected) << variant;
    }
  }
}

TEST(RProp, KeepsItsStepBetweenTheBounds) {
  const SettingsTable bounds = table_of({{"initial_step", 1.0},
                                         {"increase", 2.0},
                                         {"max_step", 3.0},
                                         {"decrease", 0.25},
                                         {"min_step", 1.0},
                                         {"variant", "minus"}});
  // Steps of 1, 2, 3, 3, then a quarter of it, which is below the least, and that again.
  expect_path("rprop", bounds, {1, 1, 1, 1, -1, 1}, {-1, -3, -6, -9, -8, -9});
}

TEST(RProp, PlusTakesBackTheMoveAfterWhichTheSignChanged) {
  // The second move is taken back, and the third is of 0.12 / 2 without growth, as after a zero.
  expect_path("rprop", {}, {1, 1, -1, -1, -1},
              {-0.1, -0.22, -0.1, -0.1 + 0.06, -0.1 + 0.06 + 0.072});
}

TEST(RProp, PlusTakesBackTheMoveThatTheScheduleAllowed) {
  Driven driven("rprop", {}, {0});
  driven.step({1}, 0.5);
  EXPECT_EQ(driven.w[0], -0.05);
  driven.step({-1}, 0.25);
  EXPECT_EQ(driven.w[0], 0);
}

TEST(RProp, MinusMovesOnWithHalfTheStep) {
  expect_path("rprop", table_of({{"variant", "minus"}}), {1, -1, -1}, {-0.1, -0.05, 0.01});
}

TEST(RProp, KeepsTheStepOverAZeroGradient) {
  expect_path("rprop", {}, {1, 0, 1, 1}, {-0.1, -0.1, -0.2, -0.32});
}

TEST(RProp, RefusesALeastStepAboveTheLargest) {
  const SettingsTable given = table_of({{"min_step", 2.0}, {"max_step", 1.0}});
  SettingsReport report;
  Settings settings(given, "optimizer", report);
  optimizer_catalogue().find("rprop")->make_double(settings, ParameterLayout());
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_NE(report.problems[0].message.find("'optimizer.min_step' is above max_step"),
            std::string::npos);
}

}  // namespace
}  // namespace plumbline
