// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;

TEST(DigitsTest, HaveTheSizesOfTheirDefaults) {
  const Dataset data = load("digits");
  EXPECT_EQ(data.features, 64U);
  EXPECT_EQ(data.outputs, 10U);
  EXPECT_TRUE(data.has_labels);
  EXPECT_EQ(data.train.size(), 1500U);
  EXPECT_EQ(data.train.labels.size(), 1500U);
  EXPECT_EQ(data.valid.size(), 297U);
  EXPECT_EQ(data.valid.labels.size(), 297U);
  EXPECT_EQ(data.test.size(), 0U);
}

TEST(DigitsTest, AreThe1797ImagesOfTheirPublishers) {
  const Dataset data = load("digits", {{"train", node(1797)}, {"valid", node(0)}});
  EXPECT_THAT(class_counts(data.train, 10),
              ElementsAre(178, 182, 177, 183, 181, 182, 181, 179, 174, 180));
  EXPECT_EQ(pixel_sum(data.train, 16), 561718);
  for (const float pixel : data.train.inputs) {
    ASSERT_GE(pixel, 0.0F);
    ASSERT_LE(pixel, 1.0F);
    ASSERT_EQ(pixel * 16, static_cast<float>(static_cast<int>(pixel * 16)));
  }
}

TEST(DigitsTest, HoldTheFirstImageOfTheSetOnceAsAZero) {
  std::vector<float> first = {
      0, 0, 5,  13, 9,  1,  0, 0,  //
      0, 0, 13, 15, 10, 15, 5, 0,  //
      0, 3, 15, 2,  0,  11, 8, 0,  //
      0, 4, 12, 0,  0,  8,  8, 0,  //
      0, 5, 8,  0,  0,  9,  8, 0,  //
      0, 4, 11, 0,  1,  12, 7, 0,  //
      0, 2, 14, 5,  10, 12, 0, 0,  //
      0, 0, 6,  13, 10, 0,  0, 0,
  };
  for (float& pixel : first) pixel /= 16;
  first.push_back(0);  // the label
  EXPECT_EQ(std::ranges::count(dealt(load("digits")), first), 1);
}

TEST(DigitsTest, AreDealtOutDisjointAndComplete) {
  const auto all = dealt(load("digits", {{"train", node(1797)}, {"valid", node(0)}}));
  EXPECT_EQ(dealt(load("digits")), all);
  EXPECT_EQ(dealt(load("digits", {{"train", node(1000)}, {"valid", node(797)}})), all);
  EXPECT_TRUE(std::ranges::adjacent_find(all) == all.end()) << "no image stands there twice";
}

TEST(DigitsTest, AreSplitByTheSplitSeedAlone) {
  const auto first = rows_of(load("digits", {{"split_seed", node(3)}}).train);
  EXPECT_EQ(rows_of(load("digits", {{"split_seed", node(3)}}).train), first);
  EXPECT_NE(rows_of(load("digits", {{"split_seed", node(4)}}).train), first);
  EXPECT_NE(rows_of(load("digits", {{"split_seed", node(4)}}).valid),
            rows_of(load("digits", {{"split_seed", node(3)}}).valid));
}

TEST(DigitsTest, AreDealtOutInARandomOrder) {
  // In the file 0, 1, ..., 9 come in turn at first.
  const std::vector<std::int32_t> labels = load("digits").train.labels;
  EXPECT_NE(std::vector<std::int32_t>(labels.begin(), labels.begin() + 10),
            (std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_NE(std::vector<std::int32_t>(labels.begin(), labels.begin() + 10),
            std::vector<std::int32_t>(labels.begin() + 10, labels.begin() + 20));
}

TEST(DigitsTest, RefuseMoreExamplesThanThereAre) {
  try {
    load("digits", {{"train", node(1500)}, {"valid", node(298)}});
    FAIL() << "no error";
  } catch (const DefinitionError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("ask for 1798 examples; there are 1797"));
  }
}

}  // namespace
}  // namespace plumbline
