// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/transpose.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

namespace plumbline {
namespace {

template <typename T>
void expect_transposed(std::size_t from_stride, std::size_t to_stride) {
  constexpr std::size_t kSize = TileTranspose<T>::kSize;
  constexpr T kUntouched = T(-1);
  std::vector<T> from(1 + kSize * from_stride);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<T>(i);
  std::vector<T> expected(1 + kSize * to_stride, kUntouched);
  for (std::size_t i = 0; i < kSize; ++i) {
    for (std::size_t j = 0; j < kSize; ++j) {
      expected[1 + j * to_stride + i] = from[1 + i * from_stride + j];
    }
  }
  std::vector<T> to(1 + kSize * to_stride, kUntouched);
  TileTranspose<T>::copy(from.data() + 1, from_stride, to.data() + 1, to_stride);
  EXPECT_EQ(to, expected) << "strides " << from_stride << ", " << to_stride;
}

template <typename T>
void expect_transposed_at_all_strides() {
  constexpr std::size_t kSize = TileTranspose<T>::kSize;
  for (const std::size_t from : {kSize, kSize + 1, std::size_t{37}}) {
    for (const std::size_t to : {kSize, kSize + 3, std::size_t{48}}) expect_transposed<T>(from, to);
  }
}

TEST(TileTranspose, TurnsRowsIntoColumnsAndTouchesNothingElse) {
  expect_transposed_at_all_strides<float>();
  expect_transposed_at_all_strides<double>();
}

TEST(TileTranspose, TilesHave32BytesARow) {
  EXPECT_EQ(TileTranspose<float>::kSize, 8U);
  EXPECT_EQ(TileTranspose<double>::kSize, 4U);
}

}  // namespace
}  // namespace plumbline
