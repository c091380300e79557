// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/elementwise.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <limits>
#include <type_traits>
#include <vector>

#include "engine/core/random.hpp"
#include "tests/kernels/bits.hpp"

namespace plumbline {
namespace {

constexpr std::size_t kMost = 70;  // several batches of the widest SIMD type, and every tail

template <typename T>
class ForEachBatch : public testing::Test {};
using Precisions = testing::Types<float, double>;
TYPED_TEST_SUITE(ForEachBatch, Precisions);

TYPED_TEST(ForEachBatch, TreatsEachElementOnceAndNoOther) {
  constexpr std::size_t kMargin = 20;
  for (std::size_t n = 0; n <= kMost; ++n) {
    std::vector<TypeParam> values(n + 2 * kMargin, TypeParam(100));
    for_each_batch(n, [](auto& x) { x += TypeParam(1); }, values.data() + kMargin);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool inside = i >= kMargin && i < kMargin + n;
      ASSERT_EQ(values[i], inside ? TypeParam(101) : TypeParam(100)) << i << " for n = " << n;
    }
  }
}

TYPED_TEST(ForEachBatch, CallsTheFunctionOnceForEachBatch) {
  constexpr std::size_t kSize = Batch<TypeParam>::size;
  for (std::size_t n = 0; n <= kMost; ++n) {
    std::vector<TypeParam> values(n);
    std::size_t calls = 0;
    for_each_batch(n, [&calls](auto&) { ++calls; }, values.data());
    ASSERT_EQ(calls, (n + kSize - 1) / kSize);
  }
}

TYPED_TEST(ForEachBatch, KeepsTheElementsOfSeveralArraysTogether) {
  for (std::size_t n = 0; n <= kMost; ++n) {
    std::vector<TypeParam> x(n);
    std::vector<TypeParam> y(n);
    std::vector<TypeParam> sum(n);
    std::vector<TypeParam> product(n, TypeParam(2));
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = static_cast<TypeParam>(i + 1);
      y[i] = static_cast<TypeParam>(1000 * (i + 1));
    }
    const TypeParam* x_read = x.data();
    const TypeParam* y_read = y.data();
    for_each_batch(
        n,
        [](const auto& x_batch, auto& sum_batch, const auto& y_batch, auto& product_batch) {
          sum_batch = x_batch + y_batch;
          product_batch *= x_batch;
        },
        x_read, sum.data(), y_read, product.data());
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(sum[i], static_cast<TypeParam>(1001 * (i + 1))) << i << " of " << n;
      ASSERT_EQ(product[i], static_cast<TypeParam>(2 * (i + 1))) << i << " of " << n;
      ASSERT_EQ(x[i], static_cast<TypeParam>(i + 1));
    }
  }
}

TYPED_TEST(ForEachBatch, GivesAnElementTheSameBitsAtAnyPlaceAndAddress) {
  const auto function = [](auto& x) { x = xsimd::exp(x) / (xsimd::sqrt(x) + TypeParam(0.1)); };
  Random random(1, RandomStream::noise, 0);
  std::vector<TypeParam> inputs(kMost);
  std::vector<TypeParam> expected(kMost);
  for (std::size_t i = 0; i < kMost; ++i) {
    inputs[i] = static_cast<TypeParam>(20 * random.uniform());
    std::vector<TypeParam> alone(Batch<TypeParam>::size, inputs[i]);
    for_each_batch(alone.size(), function, alone.data());
    expected[i] = alone[0];
  }
  for (std::size_t n = 0; n <= kMost; ++n) {
    for (std::size_t shift = 0; shift < 5; ++shift) {
      std::vector<TypeParam> values(shift);
      values.insert(values.end(), inputs.end() - static_cast<std::ptrdiff_t>(n), inputs.end());
      for_each_batch(n, function, values.data() + shift);
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_TRUE(same_number(values[shift + i], expected[kMost - n + i])) << i << " of " << n;
      }
    }
  }
}

TYPED_TEST(ForEachBatch, ShowsTheFunctionNoNumberThatIsNotInTheArrays) {
  // The unused lanes of the last batch could raise what no element does.
  for (std::size_t n = 1; n <= kMost; ++n) {
    std::vector<TypeParam> values(n, TypeParam(4));
    bool only_fours = true;
    for_each_batch(
        n, [&only_fours](auto& x) { only_fours &= xsimd::all(x == TypeParam(4)); }, values.data());
    ASSERT_TRUE(only_fours) << n;
  }
}

/// Rows of `cols` numbers 1, 2, ... in a buffer whose padding holds -1.
template <typename T>
std::vector<T> rows_of_numbers(std::size_t rows, std::size_t cols, std::size_t stride) {
  std::vector<T> values(rows * stride, T(-1));
  for (std::size_t i = 0; i < rows * cols; ++i) {
    values[i / cols * stride + i % cols] = static_cast<T>(i + 1);
  }
  return values;
}

TYPED_TEST(ForEachBatch, TreatsEachElementOfMatricesOfAnyStrides) {
  for (const std::size_t cols : {1, 3, 8, 19}) {
    for (const std::size_t rows : {1, 2, 5}) {
      for (const std::size_t read_padding : {0, 2, 13}) {
        for (const std::size_t written_padding : {0, 2, 13}) {
          const std::vector<TypeParam> x =
              rows_of_numbers<TypeParam>(rows, cols, cols + read_padding);
          const std::size_t stride = cols + written_padding;
          std::vector<TypeParam> y(rows * stride + 20, TypeParam(-1));
          for_each_batch_of_rows(
              [](const auto& read, auto& written) { written = read + read; },
              MatrixView<const TypeParam>{x.data(), rows, cols, cols + read_padding},
              MatrixView<TypeParam>{y.data(), rows, cols, stride});
          for (std::size_t i = 0; i < rows * cols; ++i) {
            ASSERT_EQ(y[i / cols * stride + i % cols], static_cast<TypeParam>(2 * (i + 1)));
          }
          // Behind the last row nothing is written.
          for (std::size_t k = (rows - 1) * stride + cols; k < y.size(); ++k) {
            ASSERT_EQ(y[k], TypeParam(-1)) << k;
          }
        }
      }
    }
  }
}

TYPED_TEST(ForEachBatch, KeepsThePaddingWhereStridesDiffer) {
  const std::vector<TypeParam> x = rows_of_numbers<TypeParam>(3, 5, 6);
  std::vector<TypeParam> y = rows_of_numbers<TypeParam>(3, 5, 9);
  for_each_batch_of_rows([](const auto& read, auto& written) { written -= read; },
                         MatrixView<const TypeParam>{x.data(), 3, 5, 6},
                         MatrixView<TypeParam>{y.data(), 3, 5, 9});
  for (std::size_t k = 0; k < y.size(); ++k) {
    ASSERT_EQ(y[k], k % 9 < 5 ? TypeParam(0) : TypeParam(-1)) << k;
  }
}

TYPED_TEST(ForEachBatch, LeavesAnEmptyMatrixAlone) {
  const auto never = [](const auto&) { FAIL(); };
  for_each_batch_of_rows(never, MatrixView<const TypeParam>{nullptr, 0, 5, 5});
  for_each_batch_of_rows(never, MatrixView<const TypeParam>{nullptr, 5, 0, 0});
}

TYPED_TEST(ForEachBatch, ServesWhereAndClampedAsNumbersByThemselvesDo) {
  constexpr TypeParam kNan = std::numeric_limits<TypeParam>::quiet_NaN();
  constexpr TypeParam kInfinity = std::numeric_limits<TypeParam>::infinity();
  const std::vector<TypeParam> x = {-3, -2, -1, 0, 1, 2, 3, kNan, kInfinity, -kInfinity};
  std::vector<TypeParam> chosen = x;
  std::vector<TypeParam> bounded = x;
  for_each_batch(
      x.size(),
      [](auto& one, auto& other) {
        using V = std::decay_t<decltype(one)>;
        one = where(one > V(0), V(5), one);
        other = clamped(other, 2);
      },
      chosen.data(), bounded.data());
  const std::vector<TypeParam> expected = {-3, -2, -1, 0, 5, 5, 5, kNan, 5, -kInfinity};
  const std::vector<TypeParam> expected_bounded = {-2, -2, -1, 0, 1, 2, 2, kNan, 2, -2};
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_TRUE(same_number(chosen[i], expected[i])) << i;
    EXPECT_TRUE(same_number(bounded[i], expected_bounded[i])) << i;
    const auto alone = double{x[i]};
    EXPECT_TRUE(same_number(where(alone > 0, 5.0, alone), double{expected[i]})) << i;
    EXPECT_TRUE(same_number(clamped(alone, 2), double{expected_bounded[i]})) << i;
  }
}

TEST(Constant, IsRoundedToTheElementType) {
  EXPECT_EQ(constant<double>(0.1), 0.1);
  EXPECT_EQ(constant<Batch<double>>(0.1).get(0), 0.1);
  EXPECT_EQ(constant<Batch<float>>(0.1).get(0), 0.1F);
  EXPECT_EQ(constant<Batch<float>>(0.1).get(Batch<float>::size - 1), 0.1F);
}

}  // namespace
}  // namespace plumbline
