// SPDX-License-Identifier: Apache-2.0
// What single initializers promise beyond mean and variance.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/initializers/statistics.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

constexpr double kStandardErrors = 5;
constexpr std::size_t kFanOut = 200;
constexpr std::size_t kFanIn = 300;
constexpr double kCount = kFanOut * kFanIn;

std::shared_ptr<const Initializer> initializer(const char* name, const SettingsTable& given = {}) {
  return made(initializer_catalogue(), name, given);
}

double variance(const char* name, std::size_t fan_in, std::size_t fan_out,
                const SettingsTable& given = {}) {
  return initializer(name, given)->weight_variance(fan_in, fan_out).value();
}

TEST(Variances, AreThoseOfThePapers) {
  EXPECT_EQ(variance("zeros", 300, 200), 0);
  EXPECT_EQ(variance("glorot_normal", 300, 200), 0.004);
  EXPECT_EQ(variance("glorot_uniform", 300, 200), 0.004);
  EXPECT_EQ(variance("he_normal", 400, 200), 0.005);
  EXPECT_EQ(variance("he_uniform", 400, 200), 0.005);
  EXPECT_EQ(variance("lecun_normal", 400, 200), 0.0025);
  EXPECT_EQ(variance("mean_field", 400, 200, table_of({{"weight_variance", 3.0}})), 0.0075);
  EXPECT_EQ(variance("normal", 400, 200, table_of({{"std", 0.5}})), 0.25);
  EXPECT_EQ(variance("uniform", 400, 200, table_of({{"low", 0.0}, {"high", 6.0}})), 3);
  EXPECT_EQ(variance("orthogonal", 400, 200, table_of({{"gain", 2.0}})), 0.01);
  EXPECT_EQ(variance("orthogonal", 200, 400, table_of({{"gain", 2.0}})), 0.01);
  EXPECT_EQ(initializer("mean_field", table_of({{"bias_variance", 0.3}}))->bias_variance(), 0.3);
  EXPECT_EQ(initializer("normal", table_of({{"mean", 0.3}}))->weight_mean(), 0.3);
  EXPECT_EQ(initializer("uniform", table_of({{"low", 1.0}, {"high", 2.0}}))->weight_mean(), 1.5);
}

/// The fourth moment of the weights in units of the squared variance, about the stated mean.
double kurtosis(const char* name) {
  const auto drawer = initializer(name);
  const Drawn all = drawn(*drawer, kFanOut, kFanIn, 11);
  const double second = drawer->weight_variance(kFanIn, kFanOut).value();
  return central_moment(all.weights, drawer->weight_mean(), 4) / (second * second);
}

TEST(NormalInitializers, HaveTheKurtosisOfTheNormalDistribution) {
  // 3, with the standard error sqrt(96/n); a uniform distribution has 1.8.
  for (const char* name : {"normal", "glorot_normal", "he_normal", "lecun_normal", "mean_field"}) {
    EXPECT_NEAR(kurtosis(name), 3, kStandardErrors * std::sqrt(96 / kCount)) << name;
  }
}

TEST(UniformInitializers, HaveTheKurtosisOfTheUniformDistribution) {
  // x^4 of a uniform variable of variance 1 has the mean 9/5 and the variance 9 - 81/25.
  for (const char* name : {"uniform", "glorot_uniform", "he_uniform"}) {
    EXPECT_NEAR(kurtosis(name), 1.8, kStandardErrors * std::sqrt(5.76 / kCount)) << name;
  }
}

TEST(UniformInitializers, StayWithinTheirLimitsAndComeNearThem) {
  for (const char* name : {"glorot_uniform", "he_uniform"}) {
    const auto drawer = initializer(name);
    const double limit = std::sqrt(3 * drawer->weight_variance(kFanIn, kFanOut).value());
    const Drawn all = drawn(*drawer, kFanOut, kFanIn, 12);
    const auto [least, most] = std::ranges::minmax(all.weights);
    EXPECT_GE(least, -limit) << name;
    EXPECT_LE(most, limit) << name;
    // None of 60,000 draws in the outer thousandth of a side: a probability of e^-30.
    EXPECT_LT(least, -0.999 * limit) << name;
    EXPECT_GT(most, 0.999 * limit) << name;
  }
}

TEST(Uniform, FillsTheGivenInterval) {
  const auto drawer = initializer("uniform", table_of({{"low", 2.0}, {"high", 3.0}}));
  const auto [least, most] = std::ranges::minmax(drawn(*drawer, kFanOut, kFanIn, 13).weights);
  EXPECT_GE(least, 2);
  EXPECT_LT(most, 3);
  EXPECT_LT(least, 2.001);
  EXPECT_GT(most, 2.999);
}

TEST(Uniform, RefusesLimitsInTheWrongOrder) {
  const SettingsTable given = table_of({{"low", 0.5}, {"high", 0.25}});
  SettingsReport report;
  Settings settings(given, "initializer", report);
  make_entry(*initializer_catalogue().find("uniform"), settings);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].message, "'initializer.high' is less than low");
}

TEST(Zeros, AreZeros) {
  const Drawn all = drawn(*initializer("zeros"), 7, 5, 14);
  EXPECT_EQ(all.weights, std::vector<double>(35));
  EXPECT_EQ(all.biases, std::vector<double>(7));
}

TEST(MeanField, BiasesAreNormal) {
  constexpr std::size_t kBiases = 60000;
  const auto drawer = initializer("mean_field", table_of({{"bias_variance", 0.25}}));
  const Drawn all = drawn(*drawer, kBiases, 1, 15);
  EXPECT_NEAR(central_moment(all.biases, 0, 4), 3 * 0.25 * 0.25,
              kStandardErrors * std::sqrt(96 / kCount) * 0.25 * 0.25);
}

/// The largest entry of |A A^T - gain^2 I| over the shorter side of A.
double distance_from_orthogonal(std::size_t rows, std::size_t cols, double gain) {
  const auto drawer = initializer("orthogonal", table_of({{"gain", gain}}));
  const std::vector<double> w = drawn(*drawer, rows, cols, 16).weights;
  const bool wide = rows < cols;
  const std::size_t vectors = std::min(rows, cols);
  const std::size_t length = std::max(rows, cols);
  const auto entry = [&](std::size_t vector, std::size_t i) {
    return wide ? w[vector * cols + i] : w[i * cols + vector];
  };
  double largest = 0;
  for (std::size_t a = 0; a < vectors; ++a) {
    for (std::size_t b = 0; b <= a; ++b) {
      double product = a == b ? -gain * gain : 0;
      for (std::size_t i = 0; i < length; ++i) product += entry(a, i) * entry(b, i);
      largest = std::max(largest, std::abs(product));
    }
  }
  return largest;
}

TEST(Orthogonal, HasOrthonormalRowsOrColumns) {
  // Householder's factorization is orthogonal to a small multiple of 1.1e-16 times the root of n.
  constexpr double kOrthogonality = 1e-13;
  for (const std::size_t size : {1U, 2U, 100U}) {
    EXPECT_LT(distance_from_orthogonal(size, size, 1), kOrthogonality) << size;
  }
  EXPECT_LT(distance_from_orthogonal(300, 100, 1), kOrthogonality);
  EXPECT_LT(distance_from_orthogonal(100, 300, 1), kOrthogonality);
  EXPECT_LT(distance_from_orthogonal(10, 784, 1), kOrthogonality);
  EXPECT_LT(distance_from_orthogonal(784, 1, 1), kOrthogonality);
}

TEST(Orthogonal, IsScaledByItsGain) {
  EXPECT_LT(distance_from_orthogonal(50, 50, 3), 9 * 1e-13);
  EXPECT_GT(distance_from_orthogonal(50, 50, 3), 0);
}

TEST(Orthogonal, IsUniformOverAllSignsAndDirections) {
  // Of a uniformly random orthogonal 3 x 3 matrix the trace has mean 0 and mean square 1 (the
  // trace of a random element of O(n) has variance 1), and each diagonal entry the mean square 1/3.
  // Without the choice of R's signs, LAPACK's reflections would make the first two entries of the
  // diagonal negative on the average by 1/2.
  constexpr std::int64_t kDraws = 4000;
  const double n = static_cast<double>(kDraws);
  std::vector<double> traces;
  std::array<double, 3> sums{};
  double first_squares = 0;
  for (std::int64_t seed = 0; seed < kDraws; ++seed) {
    const std::vector<double> q = drawn(*initializer("orthogonal"), 3, 3, seed).weights;
    traces.push_back(q[0] + q[4] + q[8]);
    first_squares += q[0] * q[0] / n;
    for (std::size_t i = 0; i < 3; ++i) sums[i] += q[4 * i];
  }
  for (const double sum : sums) EXPECT_NEAR(sum / n, 0, kStandardErrors * std::sqrt(1 / (3 * n)));
  EXPECT_NEAR(mean(traces), 0, kStandardErrors * std::sqrt(1 / n));
  // trace^2 <= 9 with fourth moment 3: variance at most 2; q^2 of a uniform direction: 4/45.
  EXPECT_NEAR(central_moment(traces, 0, 2), 1, kStandardErrors * std::sqrt(2 / n));
  EXPECT_NEAR(first_squares, 1.0 / 3, kStandardErrors * std::sqrt(4.0 / 45 / n));
}

}  // namespace
}  // namespace plumbline
