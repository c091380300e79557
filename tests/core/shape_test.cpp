// SPDX-License-Identifier: Apache-2.0
#include "engine/core/shape.hpp"

#include <gtest/gtest.h>

namespace plumbline {
namespace {

TEST(ShapeTest, HasTheSizeOfItsSidesTogether) {
  EXPECT_EQ(Shape().size(), 1U);
  EXPECT_EQ((Shape{.channels = 7}).size(), 7U);
  EXPECT_EQ((Shape{2, 3, 5, 7}).size(), 210U);
}

TEST(ShapeTest, IsSaidInTheWordsOfWhatItIs) {
  EXPECT_EQ(to_string(Shape{.channels = 784}), "784");
  EXPECT_EQ(to_string(Shape{.height = 28, .width = 28}), "1 x 28 x 28");
  EXPECT_EQ(to_string(Shape{.channels = 3, .height = 1, .width = 9}), "3 x 1 x 9");
  EXPECT_EQ(to_string(Shape{.steps = 50, .channels = 2}), "50 steps of 2");
  EXPECT_EQ(to_string(Shape::symbol_rows(50, 1, 27)), "50 steps of 1 of 27 symbols");
  EXPECT_EQ(to_string(Shape{4, 3, 8, 9}), "4 steps of 3 x 8 x 9");
}

}  // namespace
}  // namespace plumbline
