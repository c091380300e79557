// SPDX-License-Identifier: Apache-2.0
// Targets that a loss draws: from its distribution, and so that the gradient has mean zero and the
// curvature as its covariance.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/core/random.hpp"
#include "tests/losses/evaluated.hpp"
#include "tests/losses/loss_cases.hpp"

namespace plumbline {
namespace {

// A mean of so many draws is off by more than 5 of its standard errors once in 1.7 million.
constexpr double kStandardErrors = 5;
constexpr std::size_t kDraws = 20000;

const std::vector<double> kRow = {0.4, -1.2, 2.1, 0, 0.9};

// The same row of outputs, kDraws times.
template <typename T>
std::vector<T> repeated(const std::vector<double>& row = kRow) {
  std::vector<T> outputs;
  for (std::size_t i = 0; i < kDraws; ++i) outputs.insert(outputs.end(), row.begin(), row.end());
  return outputs;
}

template <typename T>
DrawnTargets<T> sampled(const Loss& loss, const std::vector<T>& outputs, std::size_t cols,
                        std::int64_t seed = 1) {
  Random random(seed, RandomStream::noise, 0);
  DrawnTargets<T> drawn;
  loss.sample_targets(MatrixView<const T>{outputs.data(), outputs.size() / cols, cols, cols},
                      random, drawn);
  return drawn;
}

/// The mean of numbers and its standard error.
struct Mean {
  double mean = 0;
  double error = 0;
};
template <class Function>
Mean mean_of(const Function& number, std::size_t count = kDraws) {
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += number(i);
    squares += number(i) * number(i);
  }
  const auto n = static_cast<double>(count);
  return {sum / n, std::sqrt((squares / n - sum / n * (sum / n)) / n)};
}

void expect_mean(const Mean& measured, double expected, const std::string& of) {
  EXPECT_NEAR(measured.mean, expected, kStandardErrors * measured.error) << of;
}

std::string name_of(const testing::TestParamInfo<LossCase>& info) { return info.param.name; }

class EverySampledLoss : public testing::TestWithParam<LossCase> {
 protected:
  std::shared_ptr<const Loss> loss_ = GetParam().make();
};
INSTANTIATE_TEST_SUITE_P(Catalogue, EverySampledLoss, testing::ValuesIn(loss_cases()), name_of);

TEST_P(EverySampledLoss, RefusesWhereItMeansNoDistribution) {
  if (loss_->means_a_distribution()) {
    EXPECT_NO_THROW(sampled(*loss_, kRow, kClasses));
  } else {
    EXPECT_THROW(sampled(*loss_, kRow, kClasses), std::invalid_argument);
  }
}

TEST_P(EverySampledLoss, SampledGradientHasMeanZeroAndTheCurvatureAsItsCovariance) {
  if (!loss_->means_a_distribution()) return;
  const std::vector<double> outputs = repeated<double>();
  const DrawnTargets<double> drawn = sampled(*loss_, outputs, kClasses);
  const std::vector<double> g =
      evaluated_targets(*loss_, outputs, kClasses, drawn.targets()).gradient;
  for (std::size_t j = 0; j < kClasses; ++j) {
    const Mean slope = mean_of([&](std::size_t i) { return g[i * kClasses + j]; });
    expect_mean(slope, 0, "slope " + std::to_string(j));
    EXPECT_GT(slope.error, 1e-4);
  }
  // Row k of the covariance is the mean of g_k g; that of H is its product with a unit vector.
  const MatrixView<const double> view_of_outputs{outputs.data(), kDraws, kClasses, kClasses};
  const double kink = loss_->distance_to_kink(view_of_outputs, drawn.targets());
  if (std::isfinite(kink)) return;
  for (std::size_t k = 0; k < kClasses; ++k) {
    std::vector<double> product(outputs.size());
    for (std::size_t i = 0; i < kDraws; ++i) product[i * kClasses + k] = 1;
    const MatrixView<double> view{product.data(), kDraws, kClasses, kClasses};
    loss_->curvature_product(view_of_outputs, drawn.targets(), view, view);
    for (std::size_t j = 0; j < kClasses; ++j) {
      expect_mean(mean_of([&](std::size_t i) { return g[i * kClasses + k] * g[i * kClasses + j]; }),
                  product[j], "covariance " + std::to_string(k) + ", " + std::to_string(j));
    }
  }
}

TEST_P(EverySampledLoss, SamplesTheSameForTheSameRandomNumbersAlsoIntoUsedBuffers) {
  if (!loss_->means_a_distribution()) return;
  const std::vector<double> outputs = repeated<double>();
  const DrawnTargets<double> first = sampled(*loss_, outputs, kClasses);
  const DrawnTargets<double> other = sampled(*loss_, outputs, kClasses, 2);
  DrawnTargets<double> again = other;
  Random random(1, RandomStream::noise, 0);
  loss_->sample_targets({outputs.data(), kDraws, kClasses, kClasses}, random, again);
  EXPECT_EQ(again.labels, first.labels);
  EXPECT_EQ(again.values, first.values);
  EXPECT_TRUE(first.labels != other.labels || first.values != other.values);
  EXPECT_EQ(first.labels.size() + first.values.size() / kClasses, kDraws);
}

TEST_P(EverySampledLoss, SamplesInFloatWhatItSamplesInDouble) {
  if (!loss_->means_a_distribution()) return;
  std::vector<double> row;
  for (const double value : kRow) row.push_back(static_cast<float>(value));
  const DrawnTargets<double> in_double = sampled(*loss_, repeated<double>(row), kClasses);
  const DrawnTargets<float> in_float = sampled(*loss_, repeated<float>(row), kClasses);
  // A draw within the rounding of a threshold may differ: 6e-8 times a few, of 20000 draws.
  std::size_t different = 0;
  for (std::size_t i = 0; i < in_double.labels.size(); ++i) {
    if (in_double.labels[i] != in_float.labels[i]) ++different;
  }
  for (std::size_t i = 0; i < in_double.values.size(); ++i) {
    if (static_cast<float>(in_double.values[i]) != in_float.values[i]) ++different;
  }
  EXPECT_LE(different, 1);
  EXPECT_EQ(in_double.labels.size(), in_float.labels.size());
  EXPECT_EQ(in_double.values.size(), in_float.values.size());
}

std::shared_ptr<const Loss> loss_named(const char* name) { return made(loss_catalogue(), name); }

TEST(SampledTargets, OfCrossEntropyHaveTheFrequenciesOfTheSoftmax) {
  const auto drawn = sampled(*loss_named("cross_entropy"), repeated<double>(), kClasses);
  double sum = 0;
  for (const double y : kRow) sum += std::exp(y);
  for (std::size_t j = 0; j < kClasses; ++j) {
    const auto is_j = [&](std::size_t i) {
      return drawn.labels[i] == static_cast<std::int32_t>(j) ? 1.0 : 0.0;
    };
    expect_mean(mean_of(is_j), std::exp(kRow[j]) / sum, "label " + std::to_string(j));
  }
}

TEST(SampledTargets, OfCrossEntropyAreTheCertainLabelForExtremeOutputs) {
  for (const std::size_t certain : {0U, 1U, 2U}) {
    std::vector<double> row(3, -1e4);
    row[certain] = 1e4;
    const auto drawn = sampled(*loss_named("cross_entropy"), repeated<double>(row), 3);
    for (const std::int32_t label : drawn.labels) {
      ASSERT_EQ(label, static_cast<std::int32_t>(certain));
    }
  }
}

TEST(SampledTargets, OfBinaryCrossEntropyAreOneAsOftenAsTheSigmoid) {
  const auto drawn = sampled(*loss_named("binary_cross_entropy"), repeated<double>(), kClasses);
  for (const double value : drawn.values) ASSERT_TRUE(value == 0 || value == 1);
  for (std::size_t j = 0; j < kClasses; ++j) {
    expect_mean(mean_of([&](std::size_t i) { return drawn.values[i * kClasses + j]; }),
                1 / (1 + std::exp(-kRow[j])), "output " + std::to_string(j));
  }
}

TEST(SampledTargets, OfMeanSquaredErrorAreNormalWithTheVarianceOfItsFactor) {
  for (const double factor : {1.0, 0.5, 3.0}) {
    const auto loss = made(loss_catalogue(), "mean_squared_error", table_of({{"factor", factor}}));
    const auto drawn = sampled(*loss, repeated<double>(), kClasses);
    const double variance = static_cast<double>(kClasses) / (2 * factor);
    const auto error = [&](std::size_t i) { return drawn.values[i] - kRow[i % kClasses]; };
    const std::size_t count = drawn.values.size();
    expect_mean(mean_of(error, count), 0, "mean");
    expect_mean(mean_of([&](std::size_t i) { return std::pow(error(i), 2); }, count), variance,
                "variance");
    // Within one standard deviation: erf(1 / sqrt 2).
    const auto near = [&](std::size_t i) { return std::pow(error(i), 2) < variance ? 1.0 : 0.0; };
    expect_mean(mean_of(near, count), std::erf(1 / std::numbers::sqrt2), "share near");
  }
}

TEST(SampledTargets, OfMeanAbsoluteErrorAreLaplaceWithTheNumberOfOutputsAsScale) {
  const auto drawn = sampled(*loss_named("mean_absolute_error"), repeated<double>(), kClasses);
  const auto error = [&](std::size_t i) { return drawn.values[i] - kRow[i % kClasses]; };
  const std::size_t count = drawn.values.size();
  const auto scale = static_cast<double>(kClasses);
  expect_mean(mean_of(error, count), 0, "mean");
  expect_mean(mean_of([&](std::size_t i) { return std::abs(error(i)); }, count), scale, "distance");
  // Within one scale: 1 - 1/e.
  const auto near = [&](std::size_t i) { return std::abs(error(i)) < scale ? 1.0 : 0.0; };
  expect_mean(mean_of(near, count), 1 - std::exp(-1), "share near");
}

TEST(SampledTargets, OfPoissonAreCountsWithTheRateAsMean) {
  const auto drawn = sampled(*loss_named("poisson"), repeated<double>(), kClasses);
  for (const double value : drawn.values) ASSERT_TRUE(value >= 0 && value == std::floor(value));
  for (std::size_t j = 0; j < kClasses; ++j) {
    expect_mean(mean_of([&](std::size_t i) { return drawn.values[i * kClasses + j]; }),
                std::exp(kRow[j]), "output " + std::to_string(j));
  }
}

TEST(SampledTargets, AreNoneWhereTheLossIsNoLikelihood) {
  EXPECT_FALSE(loss_named("hinge")->means_a_distribution());
  EXPECT_FALSE(loss_named("huber")->means_a_distribution());
  for (const char* name : {"cross_entropy", "binary_cross_entropy", "mean_squared_error",
                           "mean_absolute_error", "poisson"}) {
    EXPECT_TRUE(loss_named(name)->means_a_distribution()) << name;
    const auto weighted =
        make_plugin(loss_catalogue(), name, {{"class_weights", class_weights(kClassWeights)}});
    EXPECT_FALSE(weighted->means_a_distribution()) << name;
  }
  const auto smoothed =
      made(loss_catalogue(), "cross_entropy", table_of({{"label_smoothing", 0.1}}));
  EXPECT_FALSE(smoothed->means_a_distribution());
}

}  // namespace
}  // namespace plumbline
