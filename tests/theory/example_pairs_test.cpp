// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/example_pairs.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <vector>

namespace plumbline {
namespace {

constexpr double kRounding = 1e-14;

std::vector<PairGroup> groups_of(const std::vector<double>& inputs, std::size_t features,
                                 const std::vector<double>& signals, std::size_t units) {
  const std::size_t batch = inputs.size() / features;
  return pair_groups<double>({inputs.data(), batch, features, features},
                             {signals.data(), batch, units, units});
}

TEST(PairGroupsTest, OfOneExampleAreItself) {
  const std::vector<PairGroup> groups = groups_of({3, 4}, 2, {0.2, -0.1}, 2);
  ASSERT_EQ(groups.size(), 1);
  EXPECT_EQ(groups[0].correlation, 1);
  EXPECT_NEAR(groups[0].product, 1, kRounding);
  EXPECT_NEAR(groups[0].alignment, 1, kRounding);
}

TEST(PairGroupsTest, HaveTheSumsOfThreeExamplesByHand) {
  // Squares 4, 1, 1; inner products 2 (1, 2), 0 and 0. Inputs: (1, 2) at 90 degrees, (1, 3) alike, (2, 3) at 90.
  const std::vector<PairGroup> groups = groups_of({1, 0, 0, 1, 2, 0}, 2, {2, 0, 1, 0, 0, 1}, 2);
  constexpr double kAll = 36;  // (4 + 1 + 1)^2
  double product = 0;
  double alignment = 0;
  double correlation = 0;
  for (std::size_t g = 1; g < groups.size(); ++g) {
    product += groups[g].product;
    alignment += groups[g].alignment;
    correlation = std::fmax(correlation, groups[g].correlation);
  }
  EXPECT_EQ(groups[0].correlation, 1);
  EXPECT_NEAR(groups[0].product, 18 / kAll, kRounding);
  EXPECT_NEAR(groups[0].alignment, 18 / kAll, kRounding);
  EXPECT_NEAR(product, 18 / kAll, kRounding);
  EXPECT_NEAR(alignment, 2 * 4 / kAll, kRounding);
  EXPECT_NEAR(correlation, 1, kRounding);
  EXPECT_NEAR(groups[1].correlation, 0, kRounding);
}

TEST(PairGroupsTest, OfALargeBatchCountEachExampleOnceWithItself) {
  // 100 examples, all alike: a share of 1 / 100 of the pairs is that of examples with themselves.
  const std::vector<PairGroup> groups =
      groups_of(std::vector<double>(300, 0.5), 3, std::vector<double>(200, 0.1), 2);
  ASSERT_EQ(groups.size(), 5);
  EXPECT_NEAR(groups[0].product, 0.01, kRounding);
  for (std::size_t g = 1; g < groups.size(); ++g) {
    EXPECT_NEAR(groups[g].correlation, 1, kRounding);
    EXPECT_NEAR(groups[g].product, 0.99 / 4, kRounding);
    EXPECT_NEAR(groups[g].alignment, 0.99 / 4, kRounding);
  }
}

TEST(PairGroupsTest, OfInputsWhoseSquaresAreNoNumbersAreAlike) {
  // Lengths are infinite, and correlations would be NaN, by which nothing can be sorted.
  std::vector<double> inputs(60);
  for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i] = (i % 3 == 0 ? -1e200 : 1e200);
  for (const PairGroup& group : groups_of(inputs, 2, std::vector<double>(60, 0.1), 2)) {
    EXPECT_NEAR(group.correlation, 1, kRounding);
  }
}

TEST(PairGroupsTest, OfSignalsThatAreZeroOrNotFiniteAreThoseOfOneExample) {
  for (const double value : {0.0, std::nan(""), HUGE_VAL}) {
    const std::vector<PairGroup> groups = groups_of({1, 2, 3, 4}, 2, {value, value}, 1);
    ASSERT_EQ(groups.size(), 1);
    EXPECT_EQ(groups[0].product, 1);
  }
}

}  // namespace
}  // namespace plumbline
