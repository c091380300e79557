// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/parallel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <limits>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "engine/kernels/elementwise.hpp"
#include "engine/kernels/gemm.hpp"
#include "engine/kernels/reduce.hpp"
#include "tests/kernels/bits.hpp"
#include "tests/kernels/on_threads.hpp"
#include "tests/kernels/product.hpp"

namespace plumbline {
namespace {

constexpr std::array kThreads = {1, 2, 3, 5};

std::vector<std::pair<std::size_t, std::size_t>> ranges_of(std::size_t n, std::size_t grain) {
  std::mutex mutex;
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  in_parallel(n, grain, [&](std::size_t first, std::size_t last) {
    const std::lock_guard lock(mutex);
    ranges.emplace_back(first, last);
  });
  std::ranges::sort(ranges);
  return ranges;
}

TEST(InParallel, CutsTheWholeIntoRangesThatBeginAtTheGrain) {
  for (const int threads : kThreads) {
    OnThreads many(threads);
    for (const std::size_t n : {0, 1, 7, 8, 9, 100, 1000}) {
      std::vector<std::pair<std::size_t, std::size_t>> ranges;
      many.run([&] { ranges = ranges_of(n, 8); });
      std::size_t next = 0;
      for (const auto& [first, last] : ranges) {
        EXPECT_EQ(first, next);
        EXPECT_EQ(first % 8, 0U);
        EXPECT_LT(first, last);
        next = last;
      }
      EXPECT_EQ(next, n);
      if (threads == 1 && n > 0) {
        EXPECT_EQ(ranges.size(), 1U);
      }
      if (threads > 1 && n == 1000) {
        EXPECT_GE(ranges.size(), static_cast<std::size_t>(threads));
      }
    }
  }
}

TEST(InParallel, UsesOtherThreads) {
  // Each of two ranges waits for the other, so one thread alone would wait for ever.
  OnThreads two(2);
  std::atomic<int> arrived = 0;
  two.run([&] {
    in_parallel(2, 1, [&](std::size_t, std::size_t) {
      ++arrived;
      while (arrived < 2) std::this_thread::yield();
    });
  });
  EXPECT_EQ(arrived, 2);
}

TEST(InParallel, ThrowsOnWhatARangeThrows) {
  OnThreads two(2);
  EXPECT_THROW(two.run([] {
    in_parallel(100, 1, [](std::size_t first, std::size_t last) {
      if (first <= 50 && 50 < last) throw std::runtime_error("in the middle");
    });
  }),
               std::runtime_error);
}

// While the caller waits for a range that another thread has, a task comes into the arena. The caller
// would begin it at once if it could; the other thread gives it a tenth of a second for that.
TEST(InParallel, TheCallerTakesUpNoOtherTask) {
  OnThreads two(2);
  std::atomic<int> arrived = 0;
  std::atomic<bool> begun = false;
  bool begun_while_waiting = true;
  two.run([&] {
    const std::thread::id caller = std::this_thread::get_id();
    in_parallel(2, 1, [&](std::size_t, std::size_t) {
      ++arrived;
      while (arrived < 2) std::this_thread::yield();
      if (std::this_thread::get_id() == caller) return;
      two.enqueue([&] { begun = true; });
      for (int i = 0; i < 100 && !begun; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      begun_while_waiting = begun;
    });
  });
  EXPECT_FALSE(begun_while_waiting);
  while (!begun) std::this_thread::yield();
}

template <typename T>
class ParallelKernels : public testing::Test {};
using Precisions = testing::Types<float, double>;
TYPED_TEST_SUITE(ParallelKernels, Precisions);

// Large enough to be shared by columns, by rows, and by neither alone.
TYPED_TEST(ParallelKernels, ProductsHaveTheBitsOfTheChain) {
  using T = TypeParam;
  const std::array shapes = {
      ProductShape{130, 1000, 127, Layout::right}, ProductShape{1000, 31, 300, Layout::neither},
      ProductShape{1000, 10, 1000, Layout::left}, ProductShape{257, 259, 300, Layout::both}};
  for (const ProductShape& shape : shapes) {
    Product<T> product(shape, 3);
    const std::vector<T> expected = product.expected(true, T(0.5));
    for (const int threads : kThreads) {
      OnThreads many(threads);
      product.clear();
      bool finite = true;
      many.run([&] {
        multiply(product.left(), product.right(), product.result(), product.start().data(), T(0.5),
                 &finite);
      });
      EXPECT_EQ(differences<T>(product.around(), expected), 0U) << threads << " threads";
      EXPECT_TRUE(finite);
    }
  }
}

TYPED_TEST(ParallelKernels, ProductsSeeOneValueThatIsNotFinite) {
  using T = TypeParam;
  std::vector<T> a(std::size_t{300} * 300, T(1));
  std::vector<T> c(a.size());
  a.back() = std::numeric_limits<T>::infinity();
  const MatrixView<const T> matrix{a.data(), 300, 300, 300};
  OnThreads three(3);
  bool finite = true;
  three.run([&] {
    multiply(as_is(matrix), as_is(matrix), {c.data(), 300, 300, 300},
             static_cast<const T*>(nullptr), T(1), &finite);
  });
  EXPECT_FALSE(finite);
}

TYPED_TEST(ParallelKernels, ElementwiseLoopsAndColumnSumsHaveTheSameBits) {
  using T = TypeParam;
  constexpr std::size_t kRows = 333;
  constexpr std::size_t kCols = 1001;
  std::vector<T> values(kRows * kCols);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = T(1) / static_cast<T>(i % 977 + 1) - T(0.01);
  }
  std::vector<T> once;
  std::vector<T> sums_once;
  for (const int threads : kThreads) {
    OnThreads many(threads);
    std::vector<T> results(values.size());
    std::vector<T> sums(kCols);
    many.run([&] {
      for_each_batch(
          values.size(),
          [](const auto& x, auto& y) { y = xsimd::sqrt(x * x + std::decay_t<decltype(x)>(T(3))); },
          static_cast<const T*>(values.data()), results.data());
      column_sums(MatrixView<const T>{values.data(), kRows, kCols, kCols}, T(0.25),
                  std::span<T>(sums));
    });
    if (threads == 1) {
      once = results;
      sums_once = sums;
    }
    EXPECT_EQ(differences<T>(results, once), 0U) << threads << " threads";
    EXPECT_EQ(differences<T>(sums, sums_once), 0U) << threads << " threads";
  }
  EXPECT_NE(once.back(), T(0));
}

}  // namespace
}  // namespace plumbline
