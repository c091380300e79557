// SPDX-License-Identifier: Apache-2.0
// The contract of every loss, over the catalogue.
#include "engine/losses/loss.hpp"

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

// Four-point central difference: with step h = 1e-3 its truncation is h^4/30 times a fifth derivative
// of order 1, 3e-14; the rounding of a loss of about 30, 3.6e-15, is amplified by 1.5 / h to 5e-12.
constexpr double kDifferenceStep = 1e-3;
constexpr double kDifferenceTolerance = 2e-11;
// The loss and its slope in float, ten roundings of 6e-8, relative to outputs of a few units.
constexpr double kFloatTolerance = 2e-5;

constexpr std::size_t kBatch = 4;
constexpr std::size_t kOutputs = 5;
const std::vector<std::int32_t> kLabels = {2, 0, 4, 2};

std::vector<double> drawn(std::int64_t seed) {
  Random random(seed, RandomStream::noise, 0);
  std::vector<double> values(kBatch * kOutputs);
  for (double& value : values) value = 2 * random.normal();
  return values;
}

std::string name_of(const testing::TestParamInfo<std::string>& info) { return info.param; }

class EveryLoss : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<const Loss> loss_ = made(loss_catalogue(), GetParam().c_str());

  template <class Evaluate>
  static void expect_gradient_is_difference(const Evaluate& evaluate) {
    const std::vector<double> y = drawn(1);
    const std::vector<double> gradient = evaluate(y).gradient;
    const double h = kDifferenceStep;
    for (std::size_t i = 0; i < y.size(); ++i) {
      const auto at = [&](double step) {
        std::vector<double> moved = y;
        moved[i] += step;
        return evaluate(moved).loss;
      };
      const double difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      EXPECT_NEAR(gradient[i], difference, kDifferenceTolerance) << "output " << i;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Catalogue, EveryLoss, testing::ValuesIn(loss_catalogue().names()),
                         name_of);

TEST_P(EveryLoss, GradientForLabelsIsTheDerivative) {
  expect_gradient_is_difference([this](const std::vector<double>& y) {
    return evaluated<double>(*loss_, y, kOutputs, kLabels);
  });
}

TEST_P(EveryLoss, GradientForValuesIsTheDerivativeUnlessLabelsAreNeeded) {
  const std::vector<double> targets = drawn(2);
  const auto evaluate = [&](const std::vector<double>& y) {
    return evaluated_values<double>(*loss_, y, kOutputs, targets);
  };
  if (loss_->needs_labels()) {
    EXPECT_THROW(evaluate(drawn(1)), std::invalid_argument);
  } else {
    expect_gradient_is_difference(evaluate);
  }
}

TEST_P(EveryLoss, LabelStandsForItsOneHotRow) {
  if (loss_->needs_labels()) return;  // refuses rows: see above
  std::vector<double> one_hot(kBatch * kOutputs);
  for (std::size_t i = 0; i < kBatch; ++i) {
    one_hot[i * kOutputs + static_cast<std::size_t>(kLabels[i])] = 1;
  }
  const auto by_labels = evaluated<double>(*loss_, drawn(3), kOutputs, kLabels);
  const auto by_values = evaluated_values<double>(*loss_, drawn(3), kOutputs, one_hot);
  EXPECT_EQ(by_labels.loss, by_values.loss);
  EXPECT_EQ(by_labels.gradient, by_values.gradient);
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
    EXPECT_NEAR(in_float.gradient[i], expected.gradient[i], kFloatTolerance);
  }
}

template <typename T>
void expect_finite_for_extreme_outputs(const Loss& loss) {
  const std::vector<T> y = {T(1e4), T(-1e4), T(0), T(-1e4), T(1e4), T(1e4)};
  for (const std::int32_t first : {0, 1, 2}) {
    for (const std::int32_t second : {0, 1, 2}) {
      const auto all = evaluated<T>(loss, y, 3, {first, second});
      EXPECT_TRUE(std::isfinite(all.loss)) << first << ", " << second;
      for (const T slope : all.gradient) EXPECT_TRUE(std::isfinite(slope));
    }
  }
}

TEST_P(EveryLoss, IsFiniteForExtremeOutputs) {
  expect_finite_for_extreme_outputs<float>(*loss_);
  expect_finite_for_extreme_outputs<double>(*loss_);
}

TEST_P(EveryLoss, IsNanWhereAnOutputIs) {
  for (std::size_t bad = 0; bad < kBatch * kOutputs; ++bad) {
    std::vector<double> y = drawn(8);
    y[bad] = std::numeric_limits<double>::quiet_NaN();
    EXPECT_TRUE(std::isnan(evaluated<double>(*loss_, y, kOutputs, kLabels).loss)) << bad;
    const std::vector<float> y_float(y.begin(), y.end());
    EXPECT_TRUE(std::isnan(evaluated<float>(*loss_, y_float, kOutputs, kLabels).loss)) << bad;
  }
}

TEST_P(EveryLoss, RefusesAnEmptyBatch) {
  EXPECT_THROW(evaluated<double>(*loss_, {}, kOutputs, {}), std::invalid_argument);
  EXPECT_THROW(evaluated<float>(*loss_, {}, kOutputs, {}), std::invalid_argument);
}

}  // namespace
}  // namespace plumbline
