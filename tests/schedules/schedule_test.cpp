// SPDX-License-Identifier: Apache-2.0
#include "engine/schedules/schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <string>

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

}  // namespace
}  // namespace plumbline
