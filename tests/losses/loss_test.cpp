// SPDX-License-Identifier: Apache-2.0
// The contract of every loss, over the catalogue.
#include "engine/losses/loss.hpp"

#include <gmock/gmock.h>
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
#include "tests/losses/loss_cases.hpp"
#include "tests/oracle/naive_loss.hpp"

namespace plumbline {
namespace {

// Four-point central difference: with step h = 2^-10 its truncation is h^4/30 times a fifth derivative
// of at most the loss itself or some units (Poisson's e^y), 3e-14; the rounding of the loss of one
// example, some 10 of 1.1e-16, is amplified by 1.5 / h to 2e-12. Both relative to the loss.
constexpr double kDifferenceStep = 1.0 / 1024;
constexpr double kDifferenceTolerance = 5e-12;
// No output moves as far in the differences.
constexpr double kAwayFromKinks = 3 * kDifferenceStep;
// The loss and its slope in float, ten roundings of 6e-8, relative to outputs of a few units.
constexpr double kFloatTolerance = 2e-5;
// Some ten roundings of 1.1e-16 in double.
constexpr double kRounding = 2e-15;

constexpr std::size_t kBatch = 4;
constexpr std::size_t kOutputs = kClasses;
const std::vector<std::int32_t> kLabels = {2, 0, 4, 2};

std::vector<double> drawn(std::int64_t seed) {
  Random random(seed, RandomStream::noise, 0);
  std::vector<double> values(kBatch * kOutputs);
  for (double& value : values) value = 2 * random.normal();
  return values;
}

/// Target values that are counts, so that every loss takes them.
std::vector<double> drawn_counts(std::int64_t seed) {
  std::vector<double> values = drawn(seed);
  for (double& value : values) value = std::floor(std::abs(value));
  return values;
}

template <typename T>
MatrixView<const T> rows(const std::vector<T>& values) {
  return {values.data(), values.size() / kOutputs, kOutputs, kOutputs};
}

std::vector<double> curvature_product(const Loss& loss, const std::vector<double>& outputs,
                                      const Targets<double>& targets,
                                      const std::vector<double>& directions) {
  std::vector<double> products(outputs.size(), -99);
  loss.curvature_product(rows(outputs), targets, rows(directions),
                         {products.data(), outputs.size() / kOutputs, kOutputs, kOutputs});
  return products;
}

std::string name_of(const testing::TestParamInfo<LossCase>& info) { return info.param.name; }

class EveryLoss : public testing::TestWithParam<LossCase> {
 protected:
  std::shared_ptr<const Loss> loss_ = GetParam().make();

  // Outputs for which differences of these targets cross no kink.
  std::vector<double> outputs_off_kinks(const Targets<double>& targets) const {
    for (std::int64_t seed = 1; seed < 100; ++seed) {
      std::vector<double> y = drawn(seed);
      if (loss_->distance_to_kink(rows(y), targets) > kAwayFromKinks) return y;
    }
    ADD_FAILURE() << "all outputs are near kinks";
    return drawn(1);
  }

  // Each example by itself, so that the rounding of another's loss does not enter.
  void expect_gradient_is_difference(const Targets<double>& targets) const {
    const std::vector<double> y = outputs_off_kinks(targets);
    const std::vector<double> gradient = evaluated_targets(*loss_, y, kOutputs, targets).gradient;
    const double h = kDifferenceStep;
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t example = i / kOutputs;
      Targets<double> own = targets;
      if (!own.labels.empty()) own.labels = own.labels.subspan(example, 1);
      if (!own.values.empty()) own.values = {own.values.row(example), 1, kOutputs, kOutputs};
      const auto at = [&](double step) {
        std::vector<double> moved = y;
        moved[i] += step;
        const MatrixView<const double> row{rows(moved).row(example), 1, kOutputs, kOutputs};
        return loss_->evaluate(row, own, MatrixView<double>());
      };
      const double difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      EXPECT_NEAR(gradient[i], difference, kDifferenceTolerance * std::max(1.0, std::abs(at(0))))
          << "output " << i;
    }
  }

  // H v by differences of the gradient along v.
  void expect_curvature_is_difference(const Targets<double>& targets) const {
    const std::vector<double> y = outputs_off_kinks(targets);
    std::vector<double> v = drawn(200);
    // No element of v is as large as 8.
    for (double& value : v) value /= 8;
    const std::vector<double> products = curvature_product(*loss_, y, targets, v);
    const double h = kDifferenceStep;
    const auto at = [&](double step) {
      std::vector<double> moved = y;
      for (std::size_t i = 0; i < y.size(); ++i) moved[i] += step * v[i];
      return evaluated_targets(*loss_, moved, kOutputs, targets).gradient;
    };
    const std::vector<double> here = at(0);
    for (std::size_t i = 0; i < y.size(); ++i) {
      ASSERT_LT(std::abs(v[i]), 1);
      const double difference =
          (8 * (at(h)[i] - at(-h)[i]) - (at(2 * h)[i] - at(-2 * h)[i])) / (12 * h);
      EXPECT_NEAR(products[i], difference, kDifferenceTolerance * std::max(1.0, std::abs(here[i])))
          << "output " << i;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Catalogue, EveryLoss, testing::ValuesIn(loss_cases()), name_of);

TEST_P(EveryLoss, GradientForLabelsIsTheDerivative) {
  expect_gradient_is_difference({kLabels, {}});
}

TEST_P(EveryLoss, GradientForValuesIsTheDerivativeUnlessLabelsAreNeeded) {
  const std::vector<double> values = drawn_counts(2);
  if (loss_->needs_labels()) {
    EXPECT_THROW(evaluated_values<double>(*loss_, drawn(1), kOutputs, values),
                 std::invalid_argument);
  } else {
    expect_gradient_is_difference({{}, rows(values)});
  }
}

TEST_P(EveryLoss, CurvatureForLabelsIsTheDerivativeOfTheGradient) {
  expect_curvature_is_difference({kLabels, {}});
}

TEST_P(EveryLoss, CurvatureForValuesIsTheDerivativeOfTheGradientUnlessLabelsAreNeeded) {
  const std::vector<double> values = drawn_counts(2);
  if (loss_->needs_labels()) {
    EXPECT_THROW(curvature_product(*loss_, drawn(1), {{}, rows(values)}, drawn(2)),
                 std::invalid_argument);
  } else {
    expect_curvature_is_difference({{}, rows(values)});
  }
}

TEST_P(EveryLoss, CurvatureIsNeverNegative) {
  const std::vector<double> y = drawn(9);
  const std::vector<double> v = drawn(10);
  const std::vector<double> products = curvature_product(*loss_, y, {kLabels, {}}, v);
  for (std::size_t i = 0; i < kBatch; ++i) {
    double form = 0;
    for (std::size_t j = 0; j < kOutputs; ++j)
      form += v[i * kOutputs + j] * products[i * kOutputs + j];
    EXPECT_GE(form, 0) << "example " << i;
  }
}

TEST_P(EveryLoss, CurvatureMayOverwriteTheDirectionsAndInFloatIsNearDouble) {
  const std::vector<double> y = drawn(11);
  const std::vector<double> v = drawn(12);
  const Targets<double> targets{kLabels, {}};
  const std::vector<double> products = curvature_product(*loss_, y, targets, v);
  std::vector<double> in_place = v;
  const MatrixView<double> view{in_place.data(), kBatch, kOutputs, kOutputs};
  loss_->curvature_product(rows(y), targets, view, view);
  EXPECT_EQ(in_place, products);

  const std::vector<float> y_float(y.begin(), y.end());
  std::vector<float> v_float(v.begin(), v.end());
  const MatrixView<float> view_float{v_float.data(), kBatch, kOutputs, kOutputs};
  loss_->curvature_product(rows(y_float), {kLabels, {}}, view_float, view_float);
  for (std::size_t i = 0; i < y.size(); ++i) {
    EXPECT_NEAR(v_float[i], products[i], kFloatTolerance * std::max(1.0, std::abs(products[i])));
  }
}

TEST_P(EveryLoss, WithDefaultsAgreesWithTheNaiveOracle) {
  if (GetParam().name != GetParam().loss) return;
  const oracle::NaiveLoss naive = oracle::naive_loss(GetParam().loss);
  const std::vector<double> y = drawn(13);
  const auto all = evaluated<double>(*loss_, y, kOutputs, kLabels);
  double sum = 0;
  double distance = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < kBatch; ++i) {
    const oracle::Row own(rows(y).row(i), rows(y).row(i) + kOutputs);
    oracle::Row t(kOutputs);
    t[static_cast<std::size_t>(kLabels[i])] = 1;
    sum += naive.value(own, t);
    distance = std::min(distance, naive.distance_to_kink(own, t));
    const oracle::Row slope = naive.slope(own, t);
    for (std::size_t j = 0; j < kOutputs; ++j) {
      EXPECT_NEAR(all.gradient[i * kOutputs + j], slope[j],
                  kRounding * std::max(1.0, std::abs(slope[j])));
    }
  }
  EXPECT_NEAR(all.loss, sum, kRounding * sum);
  EXPECT_DOUBLE_EQ(loss_->distance_to_kink(rows(y), {kLabels, {}}), distance);
}

TEST_P(EveryLoss, LabelStandsForItsOneHotRowTimesTheWeightOfItsClass) {
  if (loss_->needs_labels()) return;  // refuses rows: see above
  const std::vector<double> y = drawn(3);
  for (std::int32_t label = 0; label < static_cast<std::int32_t>(kOutputs); ++label) {
    const auto index = static_cast<std::size_t>(label);
    const std::vector<double> row(rows(y).row(1), rows(y).row(1) + kOutputs);
    std::vector<double> one_hot(kOutputs);
    one_hot[index] = 1;
    const auto by_label = evaluated<double>(*loss_, row, kOutputs, {label});
    const auto by_values = evaluated_values<double>(*loss_, row, kOutputs, one_hot);
    const double weight = GetParam().has("class_weights") ? kClassWeights[index] : 1;
    EXPECT_EQ(by_label.loss, weight * by_values.loss);
    for (std::size_t j = 0; j < kOutputs; ++j) {
      EXPECT_EQ(by_label.gradient[j], weight * by_values.gradient[j]);
    }
  }
}

TEST_P(EveryLoss, WithClassWeightsIsTheLossTimesTheWeightOfTheLabel) {
  if (!GetParam().has("class_weights")) return;
  LossCase plain = GetParam();
  plain.settings.pop_back();
  const std::shared_ptr<const Loss> unweighted = plain.make();
  const std::vector<double> y = drawn(3);
  const std::vector<double> v = drawn(4);
  for (std::int32_t label = 0; label < static_cast<std::int32_t>(kOutputs); ++label) {
    const std::vector<std::int32_t> labels(kBatch, label);
    const double weight = kClassWeights[static_cast<std::size_t>(label)];
    const auto expected = evaluated<double>(*unweighted, y, kOutputs, labels);
    const auto all = evaluated<double>(*loss_, y, kOutputs, labels);
    EXPECT_NEAR(all.loss, weight * expected.loss, kRounding * weight * expected.loss);
    EXPECT_GT(expected.loss, 0.1);
    const auto products = curvature_product(*loss_, y, {labels, {}}, v);
    const auto plain_products = curvature_product(*unweighted, y, {labels, {}}, v);
    for (std::size_t i = 0; i < y.size(); ++i) {
      EXPECT_EQ(all.gradient[i], weight * expected.gradient[i]);
      EXPECT_EQ(products[i], weight * plain_products[i]);
    }
  }
}

TEST_P(EveryLoss, FitsDataByItsClassWeights) {
  EXPECT_EQ(loss_->problem_with(kOutputs, true), "");
  if (GetParam().has("class_weights")) {
    EXPECT_THAT(loss_->problem_with(4, true), testing::HasSubstr("has 5 'class_weights'"));
    EXPECT_THAT(loss_->problem_with(4, true), testing::HasSubstr("have 4 classes"));
    EXPECT_NE(loss_->problem_with(kOutputs, false), "");
  } else {
    EXPECT_EQ(loss_->problem_with(4, true), "");
    EXPECT_EQ(loss_->problem_with(4, false).empty(), !loss_->needs_labels());
  }
}

TEST_P(EveryLoss, WithASingleOutputTakesTheLabelAsTheTarget) {
  if (loss_->needs_labels()) return;
  for (const std::int32_t label : {0, 1}) {
    const double weight =
        GetParam().has("class_weights") ? kClassWeights[static_cast<std::size_t>(label)] : 1;
    const auto expected = evaluated_values<double>(*loss_, {0.7}, 1, {static_cast<double>(label)});
    const auto all = evaluated<double>(*loss_, {0.7}, 1, {label});
    EXPECT_EQ(all.loss, weight * expected.loss);
    EXPECT_EQ(all.gradient[0], weight * expected.gradient[0]);
  }
  const auto zero = evaluated<double>(*loss_, {0.7}, 1, {0});
  const auto one = evaluated<double>(*loss_, {0.7}, 1, {1});
  EXPECT_NE(zero.loss, one.loss);
}

TEST_P(EveryLoss, IsTheSumOverTheBatchAndItsGradientIsNotDivided) {
  const std::vector<double> y = drawn(4);
  const auto all = evaluated<double>(*loss_, y, kOutputs, kLabels);
  double sum = 0;
  for (std::size_t i = 0; i < kBatch; ++i) {
    const auto row = y.begin() + static_cast<std::ptrdiff_t>(i * kOutputs);
    const std::vector<double> one(row, row + kOutputs);
    const auto single = evaluated<double>(*loss_, one, kOutputs, {kLabels[i]});
    sum += single.loss;
    for (std::size_t j = 0; j < kOutputs; ++j) {
      EXPECT_EQ(single.gradient[j], all.gradient[i * kOutputs + j]);
    }
  }
  EXPECT_EQ(all.loss, sum);
  EXPECT_GT(all.loss, 0.1);
}

TEST_P(EveryLoss, WithoutAGradientWantedIsTheSame) {
  const std::vector<double> y = drawn(5);
  const MatrixView<const double> outputs{y.data(), kBatch, kOutputs, kOutputs};
  EXPECT_EQ(loss_->evaluate(outputs, {kLabels, {}}, MatrixView<double>()),
            evaluated<double>(*loss_, y, kOutputs, kLabels).loss);
}

TEST_P(EveryLoss, LeavesThePaddingOfItsMatricesAlone) {
  constexpr std::size_t kStride = 8;
  const std::vector<double> y = drawn(6);
  std::vector<double> padded(kBatch * kStride, std::numeric_limits<double>::quiet_NaN());
  std::vector<double> gradient(kBatch * kStride, -99);
  for (std::size_t i = 0; i < kBatch; ++i) {
    std::copy_n(y.data() + i * kOutputs, kOutputs, padded.data() + i * kStride);
  }
  const auto expected = evaluated<double>(*loss_, y, kOutputs, kLabels);
  EXPECT_EQ(loss_->evaluate(MatrixView<const double>{padded.data(), kBatch, kOutputs, kStride},
                            {kLabels, {}}, {gradient.data(), kBatch, kOutputs, kStride}),
            expected.loss);
  for (std::size_t i = 0; i < kBatch; ++i) {
    for (std::size_t j = 0; j < kStride; ++j) {
      EXPECT_EQ(gradient[i * kStride + j],
                j < kOutputs ? expected.gradient[i * kOutputs + j] : -99);
    }
  }
}

TEST_P(EveryLoss, InFloatIsNearDouble) {
  const std::vector<double> y = drawn(7);
  const std::vector<float> y_float(y.begin(), y.end());
  const auto expected = evaluated<double>(*loss_, y, kOutputs, kLabels);
  const auto in_float = evaluated<float>(*loss_, y_float, kOutputs, kLabels);
  EXPECT_NEAR(in_float.loss, expected.loss, kFloatTolerance * expected.loss);
  for (std::size_t i = 0; i < y.size(); ++i) {
    EXPECT_NEAR(in_float.gradient[i], expected.gradient[i],
                kFloatTolerance * std::max(1.0, std::abs(expected.gradient[i])));
  }
}

// Infinite beyond 709: e^y, which is its limit.
bool grows_exponentially(const LossCase& example) { return example.loss == "poisson"; }

template <typename T>
void expect_finite_for_extreme_outputs(const LossCase& example, T size) {
  const std::vector<T> y = {size, -size, 0, -size, size, size};
  LossCase unweighted = example;
  if (example.has("class_weights")) unweighted.settings.pop_back();
  const auto loss = unweighted.make();
  for (const std::int32_t first : {0, 1, 2}) {
    for (const std::int32_t second : {0, 1, 2}) {
      const auto all = evaluated<T>(*loss, y, 3, {first, second});
      if (grows_exponentially(example)) {
        EXPECT_EQ(all.loss, std::numeric_limits<double>::infinity());
        for (std::size_t i = 0; i < y.size(); ++i) {
          EXPECT_EQ(std::isfinite(all.gradient[i]), y[i] <= 0);
          EXPECT_FALSE(std::isnan(all.gradient[i]));
        }
      } else {
        EXPECT_TRUE(std::isfinite(all.loss)) << first << ", " << second;
        for (const T slope : all.gradient) EXPECT_TRUE(std::isfinite(slope));
      }
    }
  }
}

TEST_P(EveryLoss, IsFiniteForExtremeOutputs) {
  expect_finite_for_extreme_outputs<float>(GetParam(), 1e4F);
  expect_finite_for_extreme_outputs<double>(GetParam(), 1e4);
  expect_finite_for_extreme_outputs<float>(GetParam(), 1e30F);
}

TEST_P(EveryLoss, IsNanWhereAnOutputIsAndSoIsTheGradientThere) {
  for (std::size_t bad = 0; bad < kBatch * kOutputs; ++bad) {
    std::vector<double> y = drawn(8);
    y[bad] = std::numeric_limits<double>::quiet_NaN();
    const auto all = evaluated<double>(*loss_, y, kOutputs, kLabels);
    EXPECT_TRUE(std::isnan(all.loss)) << bad;
    EXPECT_TRUE(std::isnan(all.gradient[bad])) << bad;
    const std::vector<float> y_float(y.begin(), y.end());
    const auto in_float = evaluated<float>(*loss_, y_float, kOutputs, kLabels);
    EXPECT_TRUE(std::isnan(in_float.loss)) << bad;
    EXPECT_TRUE(std::isnan(in_float.gradient[bad])) << bad;
  }
}

TEST_P(EveryLoss, RefusesAnEmptyBatch) {
  EXPECT_THROW(evaluated<double>(*loss_, {}, kOutputs, {}), std::invalid_argument);
  EXPECT_THROW(evaluated<float>(*loss_, {}, kOutputs, {}), std::invalid_argument);
  EXPECT_THROW(curvature_product(*loss_, {}, {}, {}), std::invalid_argument);
}

}  // namespace
}  // namespace plumbline
