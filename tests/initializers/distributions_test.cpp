// SPDX-License-Identifier: Apache-2.0
// What single initializers promise beyond mean and variance.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
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
  EXPECT_EQ(variance("he_normal", 400, 200, table_of({{"fan", "fan_out"}})), 0.01);
  EXPECT_EQ(variance("he_uniform", 400, 200, table_of({{"fan", "fan_out"}})), 0.01);
  EXPECT_EQ(variance("he_normal", 400, 200, table_of({{"slope", 2.0}})), 0.001);
  EXPECT_EQ(variance("he_uniform", 400, 200, table_of({{"slope", 2.0}})), 0.001);
  EXPECT_EQ(variance("lecun_normal", 400, 200), 0.0025);
  EXPECT_EQ(variance("lecun_uniform", 400, 200), 0.0025);
  EXPECT_EQ(variance("standard_uniform", 100, 200), 1.0 / 300);
  EXPECT_EQ(variance("sparse", 300, 200), 0.05);
  EXPECT_EQ(variance("sparse", 10, 200, table_of({{"std", 2.0}})), 4);
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
  for (const char* name :
       {"normal", "glorot_normal", "he_normal", "lecun_normal", "mean_field", "edge_of_chaos"}) {
    EXPECT_NEAR(kurtosis(name), 3, kStandardErrors * std::sqrt(96 / kCount)) << name;
  }
}

TEST(UniformInitializers, HaveTheKurtosisOfTheUniformDistribution) {
  // x^4 of a uniform variable of variance 1 has the mean 9/5 and the variance 9 - 81/25.
  for (const char* name :
       {"uniform", "glorot_uniform", "he_uniform", "lecun_uniform", "standard_uniform"}) {
    EXPECT_NEAR(kurtosis(name), 1.8, kStandardErrors * std::sqrt(5.76 / kCount)) << name;
  }
}

TEST(UniformInitializers, StayWithinTheirLimitsAndComeNearThem) {
  for (const char* name : {"glorot_uniform", "he_uniform", "lecun_uniform", "standard_uniform"}) {
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

/// Phi, the standard normal distribution function.
double normal_share(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

struct Cut {
  double low;
  double high;
};
// Wide, where proposals are normal, and narrow, where they are uniform; on one side and on both.
constexpr std::array kCuts = {Cut{-2, 2},    Cut{-0.5, 3},  Cut{0, 20},
                              Cut{-1, 1.25}, Cut{-0.75, 0}, Cut{-1e-3, 1e-3}};

std::shared_ptr<const Initializer> cut_normal(const Cut& cut) {
  return initializer("truncated_normal",
                     table_of({{"mean", 0.5}, {"std", 2.0}, {"low", cut.low}, {"high", cut.high}}));
}

TEST(TruncatedNormal, IsDistributedAsTheNormalGivenTheInterval) {
  // Kolmogorov and Smirnov: sqrt(n) times the largest distance of the two distribution functions is
  // above 2.7 with probability 2 exp(-2 x 2.7^2) = 1e-6.
  constexpr double kLargest = 2.7;
  for (const Cut& cut : kCuts) {
    std::vector<double> weights = drawn(*cut_normal(cut), kFanOut, kFanIn, 17).weights;
    std::ranges::sort(weights);
    double distance = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double z = (weights[i] - 0.5) / 2;
      EXPECT_GE(z, cut.low);
      EXPECT_LE(z, cut.high);
      const double share = (normal_share(z) - normal_share(cut.low)) /
                           (normal_share(cut.high) - normal_share(cut.low));
      distance = std::max(distance, std::abs(share - (static_cast<double>(i) + 0.5) / kCount));
    }
    EXPECT_LT(std::sqrt(kCount) * distance, kLargest) << cut.low << " to " << cut.high;
  }
}

TEST(TruncatedNormal, HasTheMomentsOfItsClosedForms) {
  // Johnson, Kotz & Balakrishnan, Continuous univariate distributions 1, 1994, section 13.10.1. In the
  // narrowest interval the variance is what is left of 1 after 3e-7 of it, so 7 digits are lost.
  const auto density = [](double z) {
    return std::exp(-z * z / 2) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  };
  for (const Cut& cut : kCuts) {
    const double share = normal_share(cut.high) - normal_share(cut.low);
    const double z_mean = (density(cut.low) - density(cut.high)) / share;
    const double z_variance =
        1 + (cut.low * density(cut.low) - cut.high * density(cut.high)) / share - z_mean * z_mean;
    const auto drawer = cut_normal(cut);
    EXPECT_NEAR(drawer->weight_mean(), 0.5 + 2 * z_mean, 1e-12);
    EXPECT_NEAR(drawer->weight_variance(1, 1).value(), 4 * z_variance, 4e-12)
        << cut.low << " to " << cut.high;
  }
  EXPECT_NEAR(cut_normal({-1e-3, 1e-3})->weight_variance(1, 1).value(), 4e-6 / 3, 1e-12);
}

TEST(TruncatedNormal, RefusesAnEmptyInterval) {
  const SettingsTable given = table_of({{"low", 0.0}, {"high", 0.0}});
  SettingsReport report;
  Settings settings(given, "initializer", report);
  make_entry(*initializer_catalogue().find("truncated_normal"), settings);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].message,
            "'initializer.high' is 0, as is low: that leaves no interval");
}

TEST(Constant, IsItsValueAndOnesAreOne) {
  const Drawn all = drawn(*initializer("constant", table_of({{"value", -0.3}})), 7, 5, 14);
  EXPECT_EQ(all.weights, std::vector<double>(35, -0.3));
  EXPECT_EQ(all.biases, std::vector<double>(7));
  EXPECT_EQ(drawn(*initializer("ones"), 7, 5, 14).weights, std::vector<double>(35, 1));
  EXPECT_EQ(initializer("constant", table_of({{"value", -0.3}}))->weight_mean(), -0.3);
}

TEST(Identity, HasItsGainOnTheDiagonalOfAnyRectangle) {
  const auto drawer = initializer("identity", table_of({{"gain", 2.0}}));
  EXPECT_EQ(drawn(*drawer, 2, 3, 1).weights, (std::vector<double>{2, 0, 0, 0, 2, 0}));
  EXPECT_EQ(drawn(*drawer, 3, 2, 1).weights, (std::vector<double>{2, 0, 0, 2, 0, 0}));
  EXPECT_EQ(drawn(*initializer("identity"), 2, 2, 1).weights, (std::vector<double>{1, 0, 0, 1}));
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

/// The columns of the weights of row `i` that are not 0.
std::vector<std::size_t> connected(const std::vector<double>& weights, std::size_t cols,
                                   std::size_t i) {
  std::vector<std::size_t> inputs;
  for (std::size_t j = 0; j < cols; ++j) {
    if (weights[i * cols + j] != 0) inputs.push_back(j);
  }
  return inputs;
}

TEST(Sparse, ConnectsEachUnitToExactlyFifteenInputs) {
  const std::vector<double> weights = drawn(*initializer("sparse"), kFanOut, kFanIn, 18).weights;
  for (std::size_t i = 0; i < kFanOut; ++i) EXPECT_EQ(connected(weights, kFanIn, i).size(), 15U);
  // All there are, where there are fewer.
  const std::vector<double> narrow = drawn(*initializer("sparse"), 20, 9, 18).weights;
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(connected(narrow, 9, i).size(), 9U);
}

TEST(Sparse, ConnectionsAreStandardNormal) {
  std::vector<double> weights = drawn(*initializer("sparse"), 4000, 40, 19).weights;
  std::erase(weights, 0.0);
  const double n = 4000 * 15;
  ASSERT_EQ(static_cast<double>(weights.size()), n);
  EXPECT_NEAR(mean(weights), 0, kStandardErrors / std::sqrt(n));
  EXPECT_NEAR(central_moment(weights, 0, 2), 1, kStandardErrors * std::sqrt(2 / n));
  EXPECT_NEAR(central_moment(weights, 0, 4), 3, kStandardErrors * std::sqrt(96 / n));
}

TEST(Sparse, ChoosesAllInputsAndAllPairsOfInputsEquallyOften) {
  // Of 8 inputs 3: one is chosen with p = 3/8, and with a given other one with p = 3/8 x 2/7.
  constexpr std::size_t kUnits = 20000;
  const double n = static_cast<double>(kUnits);
  const auto drawer = initializer("sparse", table_of({{"connections", 3}}));
  const std::vector<double> weights = drawn(*drawer, kUnits, 8, 20).weights;
  std::array<std::array<double, 8>, 8> together{};
  for (std::size_t i = 0; i < kUnits; ++i) {
    const std::vector<std::size_t> inputs = connected(weights, 8, i);
    for (const std::size_t a : inputs) {
      for (const std::size_t b : inputs) ++together[a][b];
    }
  }
  for (std::size_t a = 0; a < 8; ++a) {
    for (std::size_t b = 0; b < 8; ++b) {
      const double p = a == b ? 3.0 / 8 : 3.0 / 28;
      EXPECT_NEAR(together[a][b] / n, p, kStandardErrors * std::sqrt(p * (1 - p) / n)) << a << b;
    }
  }
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
