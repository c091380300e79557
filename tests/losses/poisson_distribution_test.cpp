// SPDX-License-Identifier: Apache-2.0
#include "engine/losses/poisson_distribution.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace plumbline {
namespace {

// Rounding of sums of terms up to 28 near t = 0, and of ln t! itself beyond.
constexpr double kTolerance = 2e-14;
// A mean of many draws is off by more than 5 of its standard errors once in 1.7 million.
constexpr double kStandardErrors = 5;
constexpr std::size_t kDraws = 100000;

TEST(LogFactorial, OfSmallCountsIsTheLogarithmOfTheProduct) {
  double product = 1;
  for (int t = 0; t <= 20; ++t) {
    if (t > 0) product *= t;
    EXPECT_NEAR(log_factorial(t), std::log(product), kTolerance * std::max(1.0, std::log(product)));
  }
}

TEST(LogFactorial, IsTheLogarithmOfTheGammaFunctionBetweenAndBeyond) {
  for (const double t : {1e-9, 0.25, 0.5, 1.5, 14.9, 15.1, 99.5, 1e4, 1e9, 1e15}) {
    EXPECT_NEAR(log_factorial(t), std::lgamma(t + 1),
                kTolerance * std::max(1.0, std::lgamma(t + 1)))
        << t;
  }
}

TEST(LogFactorial, IsNanForWhatIsNoCount) {
  EXPECT_TRUE(std::isnan(log_factorial(-0.5)));
  EXPECT_TRUE(std::isnan(log_factorial(-1e30)));
  EXPECT_TRUE(std::isnan(log_factorial(std::nan(""))));
}

std::vector<double> counts(double mean, std::size_t draws = kDraws) {
  Random random(3, RandomStream::noise, 0);
  std::vector<double> drawn(draws);
  for (double& count : drawn) count = poisson_count(mean, random);
  return drawn;
}

// Below and above both changes of method.
const std::vector<double> kMeans = {0.05, 1, 9.9, 10, 10.5, 37, 400, 1e6, 9e7, 2e8};

TEST(PoissonCount, HasTheMeanAsItsMeanAndItsVariance) {
  for (const double mean : kMeans) {
    double sum = 0;
    double squares = 0;
    for (const double count : counts(mean)) {
      ASSERT_EQ(count, std::floor(count));
      ASSERT_GE(count, 0);
      sum += count - mean;
      squares += (count - mean) * (count - mean);
    }
    const auto n = static_cast<double>(kDraws);
    EXPECT_NEAR(sum / n, 0, kStandardErrors * std::sqrt(mean / n)) << mean;
    // The fourth central moment is mean + 3 mean^2.
    EXPECT_NEAR(squares / n, mean, kStandardErrors * std::sqrt((mean + 2 * mean * mean) / n))
        << mean;
  }
}

TEST(PoissonCount, HasTheProbabilitiesOfPoissonsDistribution) {
  for (const double mean : {0.05, 1.0, 9.9, 10.5, 37.0, 400.0}) {
    std::vector<double> frequency(1000);
    for (const double count : counts(mean)) frequency.at(static_cast<std::size_t>(count)) += 1;
    const auto n = static_cast<double>(kDraws);
    double looked_at = 0;
    for (std::size_t k = 0; k < frequency.size(); ++k) {
      const auto count = static_cast<double>(k);
      const double p = std::exp(count * std::log(mean) - mean - std::lgamma(count + 1));
      if (n * p < 50) continue;
      looked_at += p;
      EXPECT_NEAR(frequency[k] / n, p, kStandardErrors * std::sqrt(p * (1 - p) / n))
          << k << " of mean " << mean;
    }
    EXPECT_GT(looked_at, 0.95) << mean;
  }
}

TEST(PoissonCount, OfMeanZeroIsZeroAndOfNoMeanIsNan) {
  for (const double count : counts(0, 100)) EXPECT_EQ(count, 0);
  for (const double count : counts(std::nan(""), 2)) EXPECT_TRUE(std::isnan(count));
  for (const double count : counts(-1, 2)) EXPECT_TRUE(std::isnan(count));
  for (const double count : counts(std::numeric_limits<double>::infinity(), 2)) {
    EXPECT_EQ(count, std::numeric_limits<double>::infinity());
  }
}

}  // namespace
}  // namespace plumbline
