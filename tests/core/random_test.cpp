// SPDX-License-Identifier: Apache-2.0
#include "engine/core/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

namespace plumbline {
namespace {

// All statistics below come from fixed seeds, so a test passes always or never; a right generator
// fails a bound of 5 standard errors for one seed in 1.7 million.
constexpr double kStandardErrors = 5;
// Quantiles of the chi-square distribution that a right generator exceeds once in a million.
constexpr double kChiSquare5 = 35.9;
constexpr double kChiSquare11 = 48.9;
constexpr double kChiSquare63 = 131.4;

using Block = std::array<std::uint32_t, 4>;

/// Philox-4x32-10 from the paper (section 3.3, with its multipliers and Weyl constants): the oracle.
Block philox(Block counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// The two 64-bit draws that a block of the generator stands for.
std::array<std::uint64_t, 2> draws(const Block& block) {
  return {block[0] | std::uint64_t{block[1]} << 32, block[2] | std::uint64_t{block[3]} << 32};
}

std::vector<double> uniforms(Random random, std::size_t n) {
  std::vector<double> values(n);
  std::ranges::generate(values, [&random] { return random.uniform(); });
  return values;
}

std::vector<double> normals(std::int64_t seed, std::size_t n) {
  Random random(seed, RandomStream::noise, 0);
  std::vector<double> values(n);
  std::ranges::generate(values, [&random] { return random.normal(); });
  return values;
}

double mean_power(const std::vector<double>& values, int power) {
  double sum = 0;
  for (const double value : values) sum += std::pow(value, power);
  return sum / static_cast<double>(values.size());
}

/// Pearson's statistic of equally likely outcomes.
double chi_square(const std::vector<double>& counts) {
  const double expected =
      std::accumulate(counts.begin(), counts.end(), 0.0) / static_cast<double>(counts.size());
  double sum = 0;
  for (const double count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

/// Correlation of uniform values that have no correlation: a mean of n terms of variance 1.
double correlation(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += (x[i] - 0.5) * (y[i] - 0.5) * 12;
  return sum / static_cast<double>(x.size());
}

TEST(PhiloxOracle, GivesThePublishedAnswers) {
  // kat_vectors of the Random123 distribution, lines "philox4x32 10".
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, GivesThePublishedAnswerForZeroKeyAndCounter) {
  Random random(0, static_cast<RandomStream>(0), 0);
  EXPECT_EQ(random.bits(), 0xe169c58d6627e8d5U);
  EXPECT_EQ(random.bits(), 0x9b00dbd8bc57ac4cU);
}

TEST(Random, IsPhiloxOfPositionPartAndStreamUnderTheSeed) {
  constexpr std::int64_t kLong = 0x299f31d0a4093822;
  for (const std::int64_t seed : {std::int64_t{0}, std::int64_t{7}, kLong, std::int64_t{-1}}) {
    for (const RandomStream stream : {RandomStream::init, RandomStream::noise}) {
      for (const std::uint32_t part : {0U, 3U, 0x13198a2eU}) {
        Random random(seed, stream, part);
        const auto key = static_cast<std::uint64_t>(seed);
        for (std::uint32_t block = 0; block < 100; ++block) {
          const auto expected = draws(
              philox({block, 0, part, static_cast<std::uint32_t>(stream)},
                     {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)}));
          ASSERT_EQ(random.bits(), expected[0]);
          ASSERT_EQ(random.bits(), expected[1]);
        }
      }
    }
  }
}

TEST(Random, SameKeyGivesTheSameNumbers) {
  EXPECT_EQ(uniforms(Random(3, RandomStream::init, 5), 100),
            uniforms(Random(3, RandomStream::init, 5), 100));
}

TEST(Random, SeedsStreamsAndPartsShareNoNumber) {
  std::set<std::uint64_t> seen;
  std::size_t drawn = 0;
  constexpr std::int64_t kHigh = std::int64_t{1} << 32;
  for (const std::int64_t seed : {std::int64_t{0}, std::int64_t{1}, kHigh, std::int64_t{-1}}) {
    for (const RandomStream stream :
         {RandomStream::init, RandomStream::order, RandomStream::data, RandomStream::noise}) {
      for (const std::uint32_t part : {0U, 1U, 2U}) {
        Random random(seed, stream, part);
        for (int i = 0; i < 1000; ++i, ++drawn) seen.insert(random.bits());
      }
    }
  }
  // 48,000 draws of 64 bits collide by chance with a probability below 1e-10.
  EXPECT_EQ(seen.size(), drawn);
}

TEST(Random, NeighbouringSeedsStreamsAndPartsAreUncorrelated) {
  constexpr std::size_t kCount = 100000;
  const double bound = kStandardErrors / std::sqrt(static_cast<double>(kCount));
  const std::vector<double> base = uniforms(Random(1, RandomStream::init, 1), kCount);
  EXPECT_LT(std::abs(correlation(base, uniforms(Random(2, RandomStream::init, 1), kCount))), bound);
  EXPECT_LT(std::abs(correlation(base, uniforms(Random(1, RandomStream::order, 1), kCount))),
            bound);
  EXPECT_LT(std::abs(correlation(base, uniforms(Random(1, RandomStream::init, 2), kCount))), bound);
  std::vector<double> shifted(base.begin() + 1, base.end());
  shifted.push_back(base.front());
  EXPECT_LT(std::abs(correlation(base, shifted)), bound);
  EXPECT_GT(correlation(base, base), 0.9);
}

TEST(RandomUniform, HasTheMomentsOfTheUniformDistribution) {
  constexpr std::size_t kCount = 1000000;
  const double n = static_cast<double>(kCount);
  const std::vector<double> values = uniforms(Random(11, RandomStream::data, 0), kCount);
  // Moment k is 1/(k+1); its mean over n has the variance (1/(2k+1) - 1/(k+1)^2)/n.
  for (int k = 1; k <= 4; ++k) {
    const double moment = 1.0 / (k + 1);
    const double variance = 1.0 / (2 * k + 1) - moment * moment;
    EXPECT_NEAR(mean_power(values, k), moment, kStandardErrors * std::sqrt(variance / n));
  }
}

TEST(RandomUniform, FillsTheUnitIntervalEvenly) {
  std::vector<double> counts(64);
  for (const double value : uniforms(Random(12, RandomStream::data, 0), 640000)) {
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    ++counts[static_cast<std::size_t>(value * 64)];
  }
  EXPECT_LT(chi_square(counts), kChiSquare63);
  EXPECT_GT(chi_square(counts), 0.0);
}

TEST(RandomUniform, IsAMultipleOfTheSpacingBelowOne) {
  bool uses_the_last_bit = false;
  for (const double value : uniforms(Random(13, RandomStream::data, 0), 1000)) {
    const double scaled = value * 0x1p53;
    EXPECT_EQ(scaled, std::floor(scaled));
    uses_the_last_bit |= std::fmod(scaled, 2) == 1;
  }
  EXPECT_TRUE(uses_the_last_bit);
}

TEST(RandomBelow, IsUniformForASmallNumber) {
  Random random(21, RandomStream::order, 0);
  std::vector<double> counts(12);
  for (int i = 0; i < 120000; ++i) ++counts.at(random.below(12));
  EXPECT_LT(chi_square(counts), kChiSquare11);
}

TEST(RandomBelow, IsUnbiasedForANumberNearTheWholeRange) {
  // n = 3 * 2^62. A remainder without rejection would give [0, 2^62) one half of the draws.
  constexpr std::uint64_t kQuarter = std::uint64_t{1} << 62;
  Random random(22, RandomStream::order, 0);
  std::vector<double> counts(12);
  for (int i = 0; i < 120000; ++i) ++counts.at(random.below(3 * kQuarter) / (kQuarter / 4));
  EXPECT_LT(chi_square(counts), kChiSquare11);
}

TEST(RandomBelow, OneIsZero) {
  Random random(23, RandomStream::order, 0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(random.below(1), 0U);
}

TEST(RandomPermutation, HoldsEachNumberOnce) {
  for (const std::size_t n : {0U, 1U, 2U, 3U, 100U, 1797U}) {
    Random random(31, RandomStream::order, 0);
    std::vector<std::uint32_t> order = random.permutation(n);
    ASSERT_EQ(order.size(), n);
    std::ranges::sort(order);
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(order[i], i);
  }
}

TEST(RandomPermutation, OfThreeIsEachOfTheSixEquallyOften) {
  Random random(32, RandomStream::order, 0);
  std::map<std::vector<std::uint32_t>, double> seen;
  for (int i = 0; i < 60000; ++i) ++seen[random.permutation(3)];
  ASSERT_EQ(seen.size(), 6U);
  std::vector<double> counts;
  for (const auto& [order, count] : seen) counts.push_back(count);
  EXPECT_LT(chi_square(counts), kChiSquare5);
}

TEST(RandomPermutation, DiffersFromEpochToEpoch) {
  Random first(33, RandomStream::order, 1);
  Random second(33, RandomStream::order, 2);
  EXPECT_NE(first.permutation(100), second.permutation(100));
}

TEST(RandomNormal, HasTheFirstFourMoments) {
  constexpr std::size_t kCount = 1000000;
  const double n = static_cast<double>(kCount);
  const std::vector<double> values = normals(41, kCount);
  // E x^2k = (2k-1)!!; the variance of x^k is E x^2k - (E x^k)^2: 1, 2, 15, 96.
  EXPECT_NEAR(mean_power(values, 1), 0, kStandardErrors * std::sqrt(1 / n));
  EXPECT_NEAR(mean_power(values, 2), 1, kStandardErrors * std::sqrt(2 / n));
  EXPECT_NEAR(mean_power(values, 3), 0, kStandardErrors * std::sqrt(15 / n));
  EXPECT_NEAR(mean_power(values, 4), 3, kStandardErrors * std::sqrt(96 / n));
}

TEST(RandomNormal, HasTheTailsOfTheNormalDistribution) {
  constexpr double kCount = 1000000;
  constexpr double kBeyond3 = 0.0026997960632601866;  // erfc(3 / sqrt 2)
  const std::vector<double> values = normals(42, static_cast<std::size_t>(kCount));
  double beyond = 0;
  for (const double value : values) {
    ASSERT_TRUE(std::isfinite(value));
    beyond += std::abs(value) > 3 ? 1 : 0;
  }
  EXPECT_NEAR(beyond / kCount, kBeyond3, kStandardErrors * std::sqrt(kBeyond3 / kCount));
}

TEST(RandomNormal, BothValuesOfAPairAreIndependent) {
  constexpr std::size_t kPairs = 500000;
  const std::vector<double> values = normals(43, 2 * kPairs);
  double product = 0;
  double product_of_squares = 0;
  for (std::size_t i = 0; i < kPairs; ++i) {
    const double x = values[2 * i];
    const double y = values[2 * i + 1];
    product += x * y;
    product_of_squares += (x * x - 1) * (y * y - 1);
  }
  // Terms of variance 1 and 4.
  const double n = static_cast<double>(kPairs);
  EXPECT_NEAR(product / n, 0, kStandardErrors * std::sqrt(1 / n));
  EXPECT_NEAR(product_of_squares / n, 0, kStandardErrors * std::sqrt(4 / n));
}

TEST(RandomNormal, IsTheTransformOfTwoUniformValues) {
  // Box and Muller: x^2 + y^2 = -2 ln(1 - u1), and the angle of (x, y) is 2 pi u2.
  constexpr double kRounding = 1e-14;  // a logarithm, a root, a product and a sine of 1 ulp each
  Random uniform(44, RandomStream::noise, 0);
  Random normal(44, RandomStream::noise, 0);
  for (int i = 0; i < 1000; ++i) {
    const double u1 = uniform.uniform();
    const double u2 = uniform.uniform();
    const double x = normal.normal();
    const double y = normal.normal();
    const double radius = std::sqrt(-2 * std::log1p(-u1));
    EXPECT_NEAR(x, radius * std::cos(2 * std::acos(-1.0) * u2), kRounding);
    EXPECT_NEAR(y, radius * std::sin(2 * std::acos(-1.0) * u2), kRounding);
  }
}

}  // namespace
}  // namespace plumbline
