// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/idx_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string parse_error(const Bytes& bytes) {
  return environment_error([&] { parse_idx(bytes, "file"); });
}

std::string examples_error(const IdxArray& images, const IdxArray& labels) {
  return environment_error([&] { examples_of(images, labels, 255, 10, "file", "labels"); });
}

TEST(ParseIdxTest, ReadsSizesInBigEndianOrderAndThenTheValues) {
  const IdxArray array = parse_idx(idx_file({2, 1, 3}, {9, 8, 7, 6, 5, 255}), "file");
  EXPECT_THAT(array.shape, ElementsAre(2, 1, 3));
  EXPECT_THAT(array.values, ElementsAre(9, 8, 7, 6, 5, 255));
  const IdxArray longer = parse_idx(idx_file({0x0102}, Bytes(0x0102, 4)), "file");
  EXPECT_THAT(longer.shape, ElementsAre(258));
}

TEST(ParseIdxTest, ReadsAnArrayWithoutValues) {
  EXPECT_THAT(parse_idx(idx_file({0, 28, 28}, {}), "file").shape, ElementsAre(0, 28, 28));
}

TEST(ParseIdxTest, RefusesAWrongMagicNumberByteForByte) {
  const Bytes good = idx_file({1}, {5});
  for (const std::size_t place : {0, 1, 2}) {
    Bytes bad = good;
    ++bad[place];
    EXPECT_THAT(parse_error(bad), AllOf(StartsWith("file: "), HasSubstr("wrong magic number")));
  }
  EXPECT_THAT(parse_error({0, 0, 8, 0}), HasSubstr("wrong magic number")) << "no dimension";
  EXPECT_THAT(parse_error({}), HasSubstr("wrong magic number"));
  EXPECT_THAT(parse_error({0, 0, 8}), HasSubstr("wrong magic number"));
}

TEST(ParseIdxTest, RefusesAHeaderThatEndsEarly) {
  const Bytes whole = idx_file({1, 1, 1}, {});
  for (std::size_t length = 4; length < 16; ++length) {
    EXPECT_THAT(parse_error(Bytes(whole.begin(), whole.begin() + static_cast<long>(length))),
                AllOf(StartsWith("file: "), HasSubstr("truncated in its header")));
  }
}

TEST(ParseIdxTest, RefusesFewerValuesThanItsHeaderSays) {
  EXPECT_THAT(parse_error(idx_file({2, 3}, {1, 2, 3, 4, 5})),
              AllOf(HasSubstr("holds 5 values"), HasSubstr("says 6"), HasSubstr("truncated")));
}

TEST(ParseIdxTest, RefusesMoreValuesThanItsHeaderSays) {
  EXPECT_THAT(parse_error(idx_file({2, 2}, {1, 2, 3, 4, 5})),
              AllOf(HasSubstr("holds 5 values"), HasSubstr("says 4")));
}

TEST(ParseIdxTest, RefusesAbsurdSizesWithoutAllocatingThem) {
  constexpr std::uint32_t kMost = 0xffffffff;
  EXPECT_THAT(parse_error(idx_file({kMost, kMost}, {1})), HasSubstr("holds 1 values"));
  EXPECT_THAT(parse_error(idx_file({kMost, kMost, kMost}, {1})), HasSubstr("beyond any file"));
  // The product is 2^64, which is 0 in 64 bits and would pass for an empty array.
  EXPECT_THAT(parse_error(idx_file({1U << 22, 1U << 21, 1U << 21}, {})),
              HasSubstr("beyond any file"));
}

TEST(ExamplesOfTest, ScalesPixelsAndKeepsLabels) {
  const Examples examples =
      examples_of({{2, 1, 2}, {0, 255, 51, 102}}, {{2}, {3, 9}}, 255, 10, "file", "labels");
  ASSERT_EQ(examples.size(), 2U);
  EXPECT_THAT(examples.labels, ElementsAre(3, 9));
  EXPECT_EQ(examples.inputs(0, 0), 0.0F);
  EXPECT_EQ(examples.inputs(0, 1), 1.0F);
  EXPECT_EQ(examples.inputs(1, 0), 0.2F);
  EXPECT_EQ(examples.inputs(1, 1), 0.4F);
}

TEST(ExamplesOfTest, RefusesCountsThatDiffer) {
  EXPECT_THAT(examples_error({{2, 1, 1}, {1, 2}}, {{3}, {1, 2, 3}}),
              AllOf(StartsWith("file: "), HasSubstr("2 images, but 3 labels")));
}

TEST(ExamplesOfTest, RefusesALabelOutOfRangeAndSaysWhere) {
  EXPECT_THAT(examples_error({{3, 1, 1}, {1, 2, 3}}, {{3}, {0, 9, 10}}),
              StartsWith("labels: label 10 of example 2 is not below 10"));
}

TEST(ExamplesOfTest, RefusesOtherDimensions) {
  EXPECT_THAT(examples_error({{2, 1}, {1, 2}}, {{2}, {1, 2}}), HasSubstr("3 dimensions"));
  EXPECT_THAT(examples_error({{2, 1, 1}, {1, 2}}, {{2, 1}, {1, 2}}), HasSubstr("labels in 1"));
}

}  // namespace
}  // namespace plumbline
