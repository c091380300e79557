// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/core/random.hpp"
#include "tests/losses/evaluated.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

// A handful of roundings of 1.1e-16 each.
constexpr double kRounding = 1e-15;

Evaluated<double> mean_squared_error(const std::vector<double>& y, const std::vector<double>& t,
                                     std::size_t outputs) {
  return evaluated_values<double>(*made(loss_catalogue(), "mean_squared_error"), y, outputs, t);
}

template <typename T = double>
Evaluated<T> cross_entropy(const std::vector<T>& y, std::int32_t label) {
  return evaluated<T>(*made(loss_catalogue(), "cross_entropy"), y, y.size(), {label});
}

TEST(MeanSquaredError, IsTheMeanOverOutputsWithoutAHalf) {
  const auto all = mean_squared_error({1, 2, 3, 4}, {1, 0, 3, 0}, 4);
  EXPECT_EQ(all.loss, (4.0 + 16.0) / 4);
  EXPECT_EQ(all.gradient, (std::vector<double>{0, 1, 0, 2}));
}

TEST(MeanSquaredError, OfTheTargetsIsZero) {
  const auto all = mean_squared_error({0.5, -3}, {0.5, -3}, 1);
  EXPECT_EQ(all.loss, 0);
  EXPECT_EQ(all.gradient, (std::vector<double>{0, 0}));
}

TEST(MeanSquaredError, NeedsNoLabels) {
  EXPECT_FALSE(made(loss_catalogue(), "mean_squared_error")->needs_labels());
}

TEST(CrossEntropy, OfEqualOutputsIsTheLogarithmOfTheirNumber) {
  const auto all = cross_entropy({0.3, 0.3, 0.3, 0.3}, 1);
  EXPECT_NEAR(all.loss, std::log(4), kRounding);
  EXPECT_NEAR(all.gradient[0], 0.25, kRounding);
  EXPECT_NEAR(all.gradient[1], -0.75, kRounding);
}

TEST(CrossEntropy, IsMinusTheLogarithmOfTheLabelsProbability) {
  // Outputs ln 1, ln 2, ln 5: probabilities 1/8, 1/4, 5/8.
  const std::vector<double> y = {0, std::log(2), std::log(5)};
  EXPECT_NEAR(cross_entropy(y, 0).loss, std::log(8), kRounding * 3);
  EXPECT_NEAR(cross_entropy(y, 2).loss, std::log(1.6), kRounding);
  const auto all = cross_entropy(y, 1);
  EXPECT_NEAR(all.gradient[0], 0.125, kRounding);
  EXPECT_NEAR(all.gradient[1], -0.75, kRounding);
  EXPECT_NEAR(all.gradient[2], 0.625, kRounding);
}

TEST(CrossEntropy, NeedsLabels) {
  EXPECT_TRUE(made(loss_catalogue(), "cross_entropy")->needs_labels());
}

TEST(CrossEntropy, DoesNotSeeAShiftOfAllOutputs) {
  // Multiples of 2^-10 stay exact when 1024 is added, so that nothing may change at all.
  Random random(1, RandomStream::noise, 0);
  std::vector<double> y(10);
  for (double& value : y) value = std::round(random.normal() * 1024) / 1024;
  for (const double shift : {1024.0, -1024.0, 0x1p30}) {
    std::vector<double> shifted = y;
    for (double& value : shifted) value += shift;
    EXPECT_EQ(cross_entropy(shifted, 3).loss, cross_entropy(y, 3).loss);
    EXPECT_EQ(cross_entropy(shifted, 3).gradient, cross_entropy(y, 3).gradient);
  }
}

TEST(CrossEntropy, GradientSumsToZero) {
  Random random(2, RandomStream::noise, 0);
  for (int repetition = 0; repetition < 100; ++repetition) {
    std::vector<double> y(10);
    for (double& value : y) value = 5 * random.normal();
    double sum = 0;
    double largest = 0;
    for (const double slope : cross_entropy(y, repetition % 10).gradient) {
      sum += slope;
      largest = std::max(largest, std::abs(slope));
    }
    EXPECT_NEAR(sum, 0, kRounding * 10);
    EXPECT_GT(largest, 1e-4);
  }
}

TEST(CrossEntropy, OfExtremeOutputsIsTheirDifference) {
  EXPECT_EQ(cross_entropy({1e4, -1e4, 0}, 1).loss, 2e4);
  EXPECT_EQ(cross_entropy({1e4, -1e4, 0}, 0).loss, 0);
  EXPECT_EQ(cross_entropy({1e4, -1e4, 0}, 1).gradient, (std::vector<double>{1, -1, 0}));
  EXPECT_EQ(cross_entropy<float>({1e4F, -1e4F, 0}, 1).loss, 2e4);
  EXPECT_EQ(cross_entropy({-1e4, -1e4}, 1).loss, std::log(2));
}

// The label's output is 40 above two others: 1 - p = q = 2 e^-40 / (1 + 2 e^-40), 8.5e-18, is lost
// in p = 1 - q.
const double kSmall = 2 * std::exp(-40.0) / (1 + 2 * std::exp(-40.0));

TEST(CrossEntropy, GradientOfANearCertainPredictionKeepsItsRelativeAccuracy) {
  const auto all = cross_entropy({0, 40, 0}, 1);
  EXPECT_NEAR(all.gradient[1], -kSmall, kSmall * kRounding);
  EXPECT_NEAR(all.gradient[0], kSmall / 2, kSmall * kRounding);
}

TEST(CrossEntropy, LossOfANearCertainPredictionKeepsItsRelativeAccuracy) {
  EXPECT_NEAR(cross_entropy({0, 40, 0}, 1).loss, -std::log1p(-kSmall), kSmall * kRounding);
  // The same in float, where it happens from a lead of 17 on: 3 roundings of 6e-8.
  const double share = 2 * std::exp(-20.0) / (1 + 2 * std::exp(-20.0));
  EXPECT_NEAR(cross_entropy<float>({0, 20, 0}, 1).loss, -std::log1p(-share), share * 2e-7);
}

}  // namespace
}  // namespace plumbline
