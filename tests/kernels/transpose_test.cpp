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

template <typename T>
void expect_all_sizes_transposed() {
  for (std::size_t rows = 0; rows <= 18; ++rows) {
    for (std::size_t cols = 0; cols <= 18; ++cols) {
      std::vector<T> from(rows * (cols + 3));
      for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<T>(i);
      std::vector<T> to(cols * (rows + 2), T(-1));
      const MatrixView<T> turned{to.data(), cols, rows, rows + 2};
      transpose(MatrixView<const T>{from.data(), rows, cols, cols + 3}, turned);
      for (std::size_t j = 0; j < cols; ++j) {
        for (std::size_t i = 0; i < rows; ++i) {
          ASSERT_EQ(turned(j, i), from[i * (cols + 3) + j]) << rows << " x " << cols;
        }
        for (std::size_t i = rows; i < rows + 2; ++i) ASSERT_EQ(to[j * (rows + 2) + i], T(-1));
      }
    }
  }
}

TEST(Transpose, TurnsMatricesOfEverySize) {
  expect_all_sizes_transposed<float>();
  expect_all_sizes_transposed<double>();
}

}  // namespace
}  // namespace plumbline
