// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/elementwise_rows.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "tests/kernels/on_threads.hpp"

namespace plumbline {
namespace {

template <typename T>
class ForEachBatchInRows : public testing::Test {};
using Precisions = testing::Types<float, double>;
TYPED_TEST_SUITE(ForEachBatchInRows, Precisions);

template <typename T>
MatrixView<T> view_of(std::vector<T>& values, std::size_t rows, std::size_t stride) {
  return {values.data(), rows, stride, stride};
}

// Every tail of the widest SIMD type, with more rows than share a batch at their ends, and some over; all
// columns beside the block keep their values.
TYPED_TEST(ForEachBatchInRows, TreatsEachElementOfABlockOfColumnsOnceAndNoOther) {
  using T = TypeParam;
  constexpr std::size_t kRows = 11;
  constexpr std::size_t kFirst = 5;
  for (std::size_t cols = 0; cols <= 40; ++cols) {
    const std::size_t stride = cols + 11;
    std::vector<T> all(kRows * stride, T(100));
    std::vector<T> row(cols);
    std::vector<T> factors(kRows * (cols + 2));
    for (std::size_t j = 0; j < cols; ++j) row[j] = static_cast<T>(j);
    for (std::size_t i = 0; i < factors.size(); ++i) factors[i] = static_cast<T>(i + 1);
    for_each_batch_in_rows(
        [](auto& x, const auto& factor, const auto& same) { x += factor * (same + T(1)); },
        columns(view_of(all, kRows, stride), kFirst, cols),
        MatrixView<const T>{factors.data(), kRows, cols, cols + 2},
        MatrixView<const T>{row.data(), kRows, cols, 0});
    for (std::size_t i = 0; i < kRows; ++i) {
      for (std::size_t j = 0; j < stride; ++j) {
        const bool inside = j >= kFirst && j < kFirst + cols;
        const std::size_t at = j - kFirst;
        const T more = inside ? static_cast<T>((i * (cols + 2) + at + 1) * (at + 1)) : T(0);
        ASSERT_EQ(all[i * stride + j], T(100) + more) << i << ", " << j << " of " << cols;
      }
    }
  }
}

TYPED_TEST(ForEachBatchInRows, SharesRowsAmongThreads) {
  using T = TypeParam;
  constexpr std::size_t kRows = 1000;
  constexpr std::size_t kCols = 101;
  for (const int threads : {1, 2, 3, 5}) {
    OnThreads on(threads);
    std::vector<T> values(kRows * kCols);
    on.run(
        [&] { for_each_batch_in_rows([](auto& x) { x += T(1); }, view_of(values, kRows, kCols)); });
    EXPECT_EQ(values, std::vector<T>(kRows * kCols, T(1))) << threads << " threads";
  }
}

}  // namespace
}  // namespace plumbline
