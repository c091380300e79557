// SPDX-License-Identifier: Apache-2.0
// parity and mirror_symmetry.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kBoth[] = {"parity", "mirror_symmetry"};

// The pattern as an integer, first bit highest.
std::size_t number_of(const Examples& examples, std::size_t i, std::size_t bits) {
  std::size_t number = 0;
  for (std::size_t j = 0; j < bits; ++j) {
    const float x = examples.inputs(i, j);
    EXPECT_TRUE(x == 0 || x == 1) << x;
    number = 2 * number + static_cast<std::size_t>(x);
  }
  return number;
}

TEST(BitPatternsTest, AreEachOfThe2ToTheBitsOnce) {
  for (const char* name : kBoth) {
    const Dataset data = load(name, {{"bits", node(7)}});
    ASSERT_EQ(data.features, 7U);
    ASSERT_EQ(data.train.size(), 128U);
    std::vector<int> seen(128);
    for (std::size_t i = 0; i < 128; ++i) ++seen[number_of(data.train, i, 7)];
    EXPECT_THAT(seen, testing::Each(1)) << name;
  }
}

TEST(BitPatternsTest, AreRefusedWhereMoreAreAskedThanThereAre) {
  for (const char* name : kBoth) {
    EXPECT_THAT(definition_error([&] {
                  load(name, {{"bits", node(3)}, {"train", node(6)}, {"test", node(3)}});
                }),
                HasSubstr("'train' and the other parts ask for 9 examples; there are 8"));
    EXPECT_THAT(definition_error([&] { load(name, {{"bits", node(21)}}); }),
                HasSubstr("'bits' is 21, and all patterns are made of at most 20 bits"));
    EXPECT_EQ(load(name, {{"bits", node(100)}, {"patterns", node("sampled")}}).train.size(), 1000U);
  }
}

TEST(ParityTest, IsTheClassOfAnOddNumberOfOnes) {
  const Dataset data = load("parity", {{"bits", node(10)}});
  EXPECT_EQ(data.outputs, 2U);
  EXPECT_THAT(class_counts(data.train, 2), ElementsAre(512, 512));
  for (std::size_t i = 0; i < data.train.size(); ++i) {
    const std::size_t number = number_of(data.train, i, 10);
    EXPECT_EQ(data.train.labels[i], __builtin_parityll(number)) << number;
  }
}

TEST(ParityTest, SamplesBitsThatAreFairAndIndependent) {
  constexpr std::size_t kPatterns = 4000;
  constexpr std::size_t kBits = 25;
  const Dataset data = load(
      "parity", {{"bits", node(kBits)}, {"patterns", node("sampled")}, {"train", node(kPatterns)}});
  for (std::size_t j = 0; j < kBits; ++j) {
    double ones = 0;
    double alike = 0;
    for (std::size_t i = 0; i < kPatterns; ++i) {
      ones += static_cast<double>(data.train.inputs(i, j));
      if (data.train.inputs(i, j) == data.train.inputs(i, (j + 1) % kBits)) ++alike;
    }
    // Of 4,000 fair coins the share has a deviation of 0.0079; 50 shares: 4.5 of them.
    EXPECT_NEAR(ones / kPatterns, 0.5, 0.0356) << j;
    EXPECT_NEAR(alike / kPatterns, 0.5, 0.0356) << j;
  }
}

bool reads_the_same_backwards(const Examples& examples, std::size_t i, std::size_t bits) {
  const float* row = examples.inputs.data() + i * bits;
  std::vector<float> reversed(row, row + bits);
  std::ranges::reverse(reversed);
  return std::equal(reversed.begin(), reversed.end(), row);
}

TEST(MirrorSymmetryTest, IsTheClassOfPatternsThatReadTheSameBackwards) {
  for (const std::size_t bits : {6, 7}) {
    const Dataset data = load("mirror_symmetry", {{"bits", node(bits)}});
    // The first half, and the bit in the middle of an odd number, are free.
    const int symmetric = bits == 6 ? 8 : 16;
    EXPECT_THAT(class_counts(data.train, 2), ElementsAre((1 << bits) - symmetric, symmetric));
    for (std::size_t i = 0; i < data.train.size(); ++i) {
      EXPECT_EQ(data.train.labels[i], reads_the_same_backwards(data.train, i, bits) ? 1 : 0);
    }
  }
}

TEST(MirrorSymmetryTest, HasHalfOfItsSampledPatternsSymmetric) {
  const Dataset data = load(
      "mirror_symmetry", {{"bits", node(40)}, {"patterns", node("sampled")}, {"train", node(600)}});
  // Of the other half 2^-20 would be symmetric by chance.
  EXPECT_THAT(class_counts(data.train, 2), ElementsAre(300, 300));
  for (std::size_t i = 0; i < data.train.size(); ++i) {
    EXPECT_EQ(data.train.labels[i], reads_the_same_backwards(data.train, i, 40) ? 1 : 0);
  }
}

}  // namespace
}  // namespace plumbline
