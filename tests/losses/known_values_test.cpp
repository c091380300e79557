// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
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

// For a smoothing of 0.2 over outputs ln 1, ln 2, ln 5: q = (1/15, 1/15 + 0.8, 1/15) for label 1.
TEST(CrossEntropy, WithSmoothingIsTheCrossEntropyOfTheSmoothedTargets) {
  const auto loss = made(loss_catalogue(), "cross_entropy", table_of({{"label_smoothing", 0.2}}));
  const auto all = evaluated<double>(*loss, {0, std::log(2), std::log(5)}, 3, {1});
  const double small = 0.2 / 3;
  EXPECT_NEAR(all.loss, small * std::log(8) + (0.8 + small) * std::log(4) + small * std::log(1.6),
              kRounding * 3);
  EXPECT_NEAR(all.gradient[0], 0.125 - small, kRounding);
  EXPECT_NEAR(all.gradient[1], 0.25 - small - 0.8, kRounding);
  EXPECT_NEAR(all.gradient[2], 0.625 - small, kRounding);
}

TEST(CrossEntropy, CurvatureOfANearCertainPredictionKeepsItsRelativeAccuracy) {
  // H v for v = (1, 2, 4) and p = (q/2, 1 - q, q/2): p_1 (v_1 - p . v) = (1 - q) (q/2) (2 - 1 + 2 - 4).
  const std::vector<double> y = {0, 40, 0};
  const std::vector<double> v = {1, 2, 4};
  std::vector<double> product(3);
  made(loss_catalogue(), "cross_entropy")
      ->curvature_product(MatrixView<const double>{y.data(), 1, 3, 3},
                          {std::vector<std::int32_t>{1}, {}}, {v.data(), 1, 3, 3},
                          {product.data(), 1, 3, 3});
  EXPECT_NEAR(product[1], -kSmall / 2, kSmall * kRounding);
  EXPECT_NEAR(product[0], -kSmall / 2, kSmall * kRounding);
  EXPECT_NEAR(product[2], kSmall, kSmall * kRounding);
}

template <typename T = double>
Evaluated<T> of_row(const char* name, const std::vector<T>& y, const std::vector<T>& t,
                    const SettingsTable& settings = {}) {
  return evaluated_values<T>(*made(loss_catalogue(), name, settings), y, y.size(), t);
}

TEST(MeanSquaredError, WithFactorAHalfIsHalfOfIt) {
  const auto all =
      of_row<double>("mean_squared_error", {1, 2, 3, 4}, {1, 0, 3, 0}, table_of({{"factor", 0.5}}));
  EXPECT_EQ(all.loss, (4.0 + 16.0) / 8);
  EXPECT_EQ(all.gradient, (std::vector<double>{0, 0.5, 0, 1}));
}

TEST(MeanSquaredError, OfOutputsWhoseSquareIsTooLargeForFloatIsFinite) {
  const auto all = of_row<float>("mean_squared_error", {0x1p100F, 0}, {0, 0});
  EXPECT_EQ(all.loss, 0x1p199);
  EXPECT_EQ(all.gradient, (std::vector<float>{0x1p100F, 0}));
}

TEST(MeanAbsoluteError, IsTheMeanOfTheDistancesWithASlopeOfZeroAtTheTarget) {
  const auto all = of_row<double>("mean_absolute_error", {1, -2, 3, 4}, {1, 0, 3.5, 0});
  EXPECT_EQ(all.loss, (2 + 0.5 + 4) / 4);
  EXPECT_EQ(all.gradient, (std::vector<double>{0, -0.25, -0.25, 0.25}));
  EXPECT_EQ(of_row<float>("mean_absolute_error", {1e30F, -1e30F}, {0, 1}).loss, double{1e30F});
}

TEST(Huber, IsQuadraticUpToDeltaAndLinearBeyond) {
  const auto all = of_row<double>("huber", {0.5, -0.5, 3, -3}, {0, 0, 0, 0});
  EXPECT_EQ(all.loss, (0.125 + 0.125 + 2.5 + 2.5) / 4);
  EXPECT_EQ(all.gradient, (std::vector<double>{0.125, -0.125, 0.25, -0.25}));
  // The pieces meet at delta with the same value and slope.
  for (const double error : {2.0, -2.0}) {
    const auto at = of_row<double>("huber", {error}, {0}, table_of({{"delta", 2}}));
    const auto after =
        of_row<double>("huber", {error * (1 + 0x1p-52)}, {0}, table_of({{"delta", 2}}));
    EXPECT_EQ(at.loss, 2);
    EXPECT_NEAR(after.loss, 2, 4 * kRounding);
    EXPECT_EQ(after.gradient[0], at.gradient[0]);
    EXPECT_EQ(at.gradient[0], error);
  }
}

TEST(BinaryCrossEntropy, IsTheSumOverOutputsOfMinusTheLogarithmsOfTheProbabilities) {
  // Logits ln 3 and -ln 3: probabilities 3/4 and 1/4.
  const auto all = of_row<double>("binary_cross_entropy", {std::log(3), -std::log(3)}, {1, 1});
  EXPECT_NEAR(all.loss, std::log(4.0 / 3) + std::log(4), kRounding * 2);
  EXPECT_NEAR(all.gradient[0], -0.25, kRounding);
  EXPECT_NEAR(all.gradient[1], -0.75, kRounding);
  const auto soft = of_row<double>("binary_cross_entropy", {0}, {0.25});
  EXPECT_NEAR(soft.loss, std::log(2), kRounding);
  EXPECT_EQ(soft.gradient[0], 0.25);
}

TEST(BinaryCrossEntropy, OfExtremeOutputsIsTheirSizeOrZero) {
  const auto wrong = of_row<double>("binary_cross_entropy", {1e4, -1e4}, {0, 1});
  EXPECT_EQ(wrong.loss, 2e4);
  EXPECT_EQ(wrong.gradient, (std::vector<double>{1, -1}));
  const auto right = of_row<double>("binary_cross_entropy", {1e4, -1e4}, {1, 0});
  EXPECT_EQ(right.loss, 0);
  EXPECT_EQ(right.gradient, (std::vector<double>{0, 0}));
  EXPECT_EQ(of_row<float>("binary_cross_entropy", {1e30F}, {0}).loss, double{1e30F});
}

TEST(BinaryCrossEntropy, OfANearCertainPredictionKeepsItsRelativeAccuracy) {
  const double small = std::exp(-40.0) / (1 + std::exp(-40.0));
  const auto all = of_row<double>("binary_cross_entropy", {40}, {1});
  EXPECT_NEAR(all.loss, -std::log1p(-small), small * kRounding);
  EXPECT_NEAR(all.gradient[0], -small, small * kRounding);
}

template <typename T = double>
Evaluated<T> hinge(const std::vector<T>& y, std::int32_t label, const char* variant) {
  const auto loss = made(loss_catalogue(), "hinge", table_of({{"variant", variant}}));
  return evaluated<T>(*loss, y, y.size(), {label});
}

TEST(Hinge, CountsAllViolationsOrTheWorst) {
  // Label 0 at 1: violations 0.5 and 2, and none by the last.
  const std::vector<double> y = {1, 0.5, 2, -3};
  const auto all = hinge(y, 0, "weston_watkins");
  EXPECT_EQ(all.loss, 2.5);
  EXPECT_EQ(all.gradient, (std::vector<double>{-2, 1, 1, 0}));
  const auto worst = hinge(y, 0, "crammer_singer");
  EXPECT_EQ(worst.loss, 2);
  EXPECT_EQ(worst.gradient, (std::vector<double>{-1, 0, 1, 0}));
}

TEST(Hinge, IsZeroFromTheMarginOn) {
  for (const char* variant : {"weston_watkins", "crammer_singer"}) {
    for (const double lead : {1.0, 1.5, 1e4}) {
      const auto all = hinge<double>({0, lead, 0}, 1, variant);
      EXPECT_EQ(all.loss, 0);
      EXPECT_EQ(all.gradient, (std::vector<double>{0, 0, 0}));
    }
    EXPECT_GT(hinge<double>({0, 0.99, 0}, 1, variant).loss, 0);
    const auto two = hinge<double>({3, 1}, 1, variant);
    EXPECT_EQ(two.loss, 3) << "two classes are the same in both variants";
  }
}

TEST(Hinge, OfExtremeOutputsIsTheirDifference) {
  EXPECT_EQ(hinge<double>({1e4, -1e4}, 1, "weston_watkins").loss, 20001);
  EXPECT_EQ(hinge<float>({1e30F, -1e30F}, 1, "weston_watkins").loss, 2 * double{1e30F});
}

TEST(Hinge, WithMarginMovesTheKink) {
  const auto loss = made(loss_catalogue(), "hinge", table_of({{"margin", 3}}));
  EXPECT_EQ(evaluated<double>(*loss, {0, 1}, 2, {1}).loss, 2);
  EXPECT_EQ(evaluated<double>(*loss, {0, 3}, 2, {1}).loss, 0);
}

TEST(Poisson, IsTheRateMinusTheCountTimesItsLogarithm) {
  const auto all = of_row<double>("poisson", {std::log(3), 0}, {2, 5});
  EXPECT_NEAR(all.loss, 3 - 2 * std::log(3) + 1, kRounding * 4);
  EXPECT_NEAR(all.gradient[0], 1, kRounding * 3);
  EXPECT_EQ(all.gradient[1], -4);
}

TEST(Poisson, InFullIsMinusTheLogarithmOfTheProbability) {
  // p(2) = e^-3 9 / 2 for the rate 3.
  const auto all = of_row<double>("poisson", {std::log(3)}, {2}, [] {
    SettingsTable table;
    table.set("full", {true, {}});
    return table;
  }());
  EXPECT_NEAR(all.loss, -std::log(std::exp(-3) * 4.5), 20 * kRounding);
}

TEST(Poisson, OfExtremeOutputsIsItsLimit) {
  EXPECT_EQ(of_row<double>("poisson", {-1e4}, {3}).loss, 3e4);
  EXPECT_EQ(of_row<double>("poisson", {-1e4}, {3}).gradient[0], -3);
  EXPECT_EQ(of_row<double>("poisson", {1e4}, {3}).loss, std::numeric_limits<double>::infinity());
  EXPECT_EQ(of_row<float>("poisson", {100}, {3}).loss, std::exp(100.0) - 300);
}

TEST(ClassWeights, RefusesClassWeightsThatAreAllZero) {
  for (const LossEntry& entry : loss_catalogue().entries()) {
    SettingsTable table;
    table.set("class_weights", {SettingList{{0.0, {}}, {0.0, {}}}, {"run.toml", 3, 4}});
    SettingsReport report;
    Settings settings(table, "loss", report);
    entry.make(settings);
    ASSERT_EQ(report.problems.size(), 1) << entry.info.name;
    EXPECT_EQ(report.problems[0].place, (Place{"run.toml", 3, 4}));
    EXPECT_NE(report.problems[0].message.find("'loss.class_weights' are all 0"), std::string::npos);
  }
}

TEST(ClassWeights, OfASingleOutputAreTwoForTheLabelsZeroAndOne) {
  SettingsTable table;
  table.set("class_weights", {SettingList{{1.0, {}}, {2.0, {}}}, {}});
  const auto loss = made(loss_catalogue(), "binary_cross_entropy", table);
  EXPECT_EQ(loss->problem_with(1, true), "");
  EXPECT_NE(loss->problem_with(3, true), "");
  EXPECT_NE(made(loss_catalogue(), "cross_entropy", table)->problem_with(1, true), "");
}

TEST(ClassWeights, RefusesALabelWithoutAClassWeight) {
  SettingsTable table;
  table.set("class_weights", {SettingList{{1.0, {}}, {2.0, {}}}, {}});
  for (const char* name : {"cross_entropy", "mean_squared_error"}) {
    const auto loss = made(loss_catalogue(), name, table);
    EXPECT_THROW(evaluated<double>(*loss, {1, 2, 3}, 3, {2}), std::invalid_argument);
    EXPECT_NO_THROW(evaluated<double>(*loss, {1, 2, 3}, 3, {1}));
  }
}

}  // namespace
}  // namespace plumbline
