// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/elementwise.hpp"

#include <gtest/gtest.h>

#include <cstddef>
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

TEST(Constant, IsRoundedToTheElementType) {
  EXPECT_EQ(constant<double>(0.1), 0.1);
  EXPECT_EQ(constant<Batch<double>>(0.1).get(0), 0.1);
  EXPECT_EQ(constant<Batch<float>>(0.1).get(0), 0.1F);
  EXPECT_EQ(constant<Batch<float>>(0.1).get(Batch<float>::size - 1), 0.1F);
}

}  // namespace
}  // namespace plumbline
