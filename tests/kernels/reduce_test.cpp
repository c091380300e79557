// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/reduce.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "engine/core/random.hpp"
#include "tests/kernels/bits.hpp"

namespace plumbline {
namespace {

// Of n <= 4096 squares each of 16 partial sums takes at most 256 and the tree adds 4: the relative
// error of the sum is at most 262 half ulps of 1.1e-16, that of its root half of it.
constexpr double kNormTolerance = 1.5e-14;

template <typename T>
std::vector<T> drawn(std::size_t n, std::int64_t seed, double scale = 1) {
  Random random(seed, RandomStream::noise, 0);
  std::vector<T> values(n);
  for (T& value : values) value = static_cast<T>(scale * random.normal());
  return values;
}

/// The oracle: a plain loop in long double, whose exponents reach further than any square here.
template <typename T>
double plain_norm(std::span<const T> values) {
  long double sum = 0;
  for (const T value : values) sum += static_cast<long double>(value) * value;
  return static_cast<double>(std::sqrt(sum));
}

template <typename T>
class Norm : public testing::Test {
 protected:
  static constexpr T kNan = std::numeric_limits<T>::quiet_NaN();
  static constexpr T kInfinity = std::numeric_limits<T>::infinity();

  static double of(const std::vector<T>& values) { return norm(std::span<const T>(values)); }
  static void expect_oracle(const std::vector<T>& values) {
    const double expected = plain_norm<T>(values);
    EXPECT_NEAR(of(values), expected, kNormTolerance * expected) << values.size() << " values";
  }
};

using Precisions = testing::Types<float, double>;
TYPED_TEST_SUITE(Norm, Precisions);

TYPED_TEST(Norm, EqualsTheOracleAtEverySize) {
  for (const std::size_t n : {1U, 2U, 7U, 15U, 16U, 17U, 31U, 32U, 33U, 1000U, 4096U}) {
    this->expect_oracle(drawn<TypeParam>(n, static_cast<std::int64_t>(n)));
  }
}

TYPED_TEST(Norm, CountsEveryElement) {
  for (const std::size_t n : {1U, 15U, 16U, 17U, 40U}) {
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<TypeParam> values(n);
      values[i] = -3;
      EXPECT_EQ(this->of(values), 3) << i << " of " << n;
    }
  }
}

TYPED_TEST(Norm, OfNothingAndOfZerosIsZero) {
  EXPECT_EQ(this->of({}), 0);
  EXPECT_EQ(this->of(std::vector<TypeParam>(33)), 0);
  EXPECT_EQ(this->of({TypeParam(-0.0)}), 0);
}

TYPED_TEST(Norm, IsRightAtBothEndsOfTheRange) {
  constexpr TypeParam kLeast = std::numeric_limits<TypeParam>::denorm_min();
  constexpr TypeParam kMost = std::numeric_limits<TypeParam>::max() / 128;
  EXPECT_EQ(this->of({kLeast}), static_cast<double>(kLeast));
  EXPECT_EQ(this->of(std::vector<TypeParam>(4, kLeast)), 2 * static_cast<double>(kLeast));
  EXPECT_EQ(this->of(std::vector<TypeParam>(16, kMost)), 4 * static_cast<double>(kMost));
  EXPECT_EQ(this->of({kLeast, TypeParam(1), -kLeast}), 1);
  this->expect_oracle({kMost, kLeast, -kMost});
}

TYPED_TEST(Norm, IsNanWhereAValueIs) {
  for (const std::size_t n : {1U, 17U, 40U}) {
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<TypeParam> values = drawn<TypeParam>(n, 1);
      values[i] = this->kNan;
      EXPECT_TRUE(std::isnan(this->of(values))) << i << " of " << n;
    }
  }
}

TYPED_TEST(Norm, IsInfiniteWhereAValueIs) {
  for (const std::size_t n : {1U, 17U, 40U}) {
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<TypeParam> values = drawn<TypeParam>(n, 1);
      values[i] = i % 2 == 0 ? this->kInfinity : -this->kInfinity;
      EXPECT_EQ(this->of(values), std::numeric_limits<double>::infinity()) << i << " of " << n;
    }
  }
}

TYPED_TEST(Norm, DoesNotDependOnTheAddress) {
  const std::vector<TypeParam> values = drawn<TypeParam>(1001, 2);
  const double expected = this->of(values);
  for (std::size_t shift = 1; shift < 20; ++shift) {
    std::vector<TypeParam> shifted(shift);
    shifted.insert(shifted.end(), values.begin(), values.end());
    EXPECT_EQ(norm(std::span<const TypeParam>(shifted).subspan(shift)), expected);
  }
}

TYPED_TEST(Norm, OfAMatrixLeavesOutThePadding) {
  constexpr std::size_t kRows = 7;
  constexpr std::size_t kCols = 19;
  constexpr std::size_t kStride = 32;
  const std::vector<TypeParam> values = drawn<TypeParam>(kRows * kCols, 3);
  std::vector<TypeParam> padded(kRows * kStride, this->kNan);
  for (std::size_t i = 0; i < kRows; ++i) {
    std::copy_n(values.data() + i * kCols, kCols, padded.data() + i * kStride);
  }
  using View = MatrixView<const TypeParam>;
  const double unpadded = norm(View{values.data(), kRows, kCols, kCols});
  EXPECT_NEAR(unpadded, plain_norm<TypeParam>(values), kNormTolerance * unpadded);
  EXPECT_EQ(norm(View{padded.data(), kRows, kCols, kStride}), unpadded);
  EXPECT_EQ(norm(View{padded.data(), 0, kCols, kStride}), 0);
  for (TypeParam& value : padded) value *= TypeParam(0x1p-100);
  const double small = norm(View{padded.data(), kRows, kCols, kStride});
  EXPECT_NEAR(small, unpadded * 0x1p-100, kNormTolerance * small);
}

TEST(NormOfDoubles, LosesNothingToUnderflow) {
  // Squares of 1e-320 are far below the least double.
  for (const double value : {1e-320, 1e-310, 1e-200, 1e-160, 3e-156, 1e-154}) {
    const double least = std::numeric_limits<double>::denorm_min();
    EXPECT_NEAR(norm(std::span<const double>(std::vector<double>(9, value))), 3 * value,
                std::max(3 * value * kNormTolerance, least));
  }
  const std::vector<double> uneven = {3e-200, 4e-200, 1e-320};
  EXPECT_NEAR(norm(std::span<const double>(uneven)), 5e-200, 5e-200 * kNormTolerance);
}

TEST(NormOfDoubles, LosesNothingToOverflow) {
  for (const double value : {1e150, 1e154, 1e200, 1e300}) {
    EXPECT_NEAR(norm(std::span<const double>(std::vector<double>(9, value))), 3 * value,
                3 * value * kNormTolerance);
  }
}

TEST(NormOfFloats, IsAccumulatedInDouble) {
  // 2^24 + 1 is no float: partial sums in float would lose the small value.
  const std::vector<float> values = {4096, 1};
  EXPECT_EQ(norm(std::span<const float>(values)), std::sqrt(16777217.0));
}

template <typename T>
class ColumnSums : public testing::Test {};
TYPED_TEST_SUITE(ColumnSums, Precisions);

TYPED_TEST(ColumnSums, AddsRowsInRisingOrderAndScales) {
  for (const std::size_t cols : {1U, 7U, 16U, 33U, 100U}) {
    constexpr std::size_t kRows = 129;
    const std::size_t stride = cols + 5;
    const TypeParam scale = TypeParam(1) / TypeParam(129);
    std::vector<TypeParam> values = drawn<TypeParam>(kRows * stride, 4);
    std::vector<TypeParam> expected(cols);
    for (std::size_t i = 0; i < kRows; ++i) {
      for (std::size_t j = 0; j < cols; ++j) expected[j] += values[i * stride + j];
      for (std::size_t j = cols; j < stride; ++j) {
        values[i * stride + j] = std::numeric_limits<TypeParam>::quiet_NaN();
      }
    }
    for (TypeParam& sum : expected) sum *= scale;
    std::vector<TypeParam> sums(cols, TypeParam(9));  // what stood there before does not count
    column_sums(MatrixView<const TypeParam>{values.data(), kRows, cols, stride}, scale, sums);
    EXPECT_EQ(differences<TypeParam>(sums, expected), 0U) << cols << " columns";
  }
}

TYPED_TEST(ColumnSums, OfNoRowsAreZero) {
  std::vector<TypeParam> sums(5, TypeParam(9));
  column_sums(MatrixView<const TypeParam>{nullptr, 0, 5, 5}, TypeParam(1), sums);
  EXPECT_EQ(sums, std::vector<TypeParam>(5));
}

template <typename T>
class AllFinite : public testing::Test {};
TYPED_TEST_SUITE(AllFinite, Precisions);

TYPED_TEST(AllFinite, FindsABadValueAtEachPosition) {
  using Limits = std::numeric_limits<TypeParam>;
  for (std::size_t n = 1; n <= 70; ++n) {
    std::vector<TypeParam> values = drawn<TypeParam>(n, 5);
    for (std::size_t i = 0; i < n; ++i) {
      const TypeParam good = values[i];
      for (const TypeParam bad : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
        values[i] = bad;
        ASSERT_FALSE(all_finite(std::span<const TypeParam>(values))) << bad << " at " << i;
      }
      values[i] = good;
    }
    ASSERT_TRUE(all_finite(std::span<const TypeParam>(values))) << n;
  }
}

TYPED_TEST(AllFinite, AcceptsEveryFiniteNumber) {
  using Limits = std::numeric_limits<TypeParam>;
  std::vector<TypeParam> values;
  for (int i = 0; i < 11; ++i) {
    values.insert(values.end(), {Limits::max(), Limits::lowest(), Limits::denorm_min(),
                                 Limits::min(), TypeParam(0), TypeParam(-0.0)});
  }
  EXPECT_TRUE(all_finite(std::span<const TypeParam>(values)));
  EXPECT_TRUE(all_finite(std::span<const TypeParam>()));
}

TYPED_TEST(AllFinite, DoesNotLetTwoInfinitiesCancel) {
  using Limits = std::numeric_limits<TypeParam>;
  std::vector<TypeParam> values(64, TypeParam(1));
  values[3] = Limits::infinity();
  values[35] = -Limits::infinity();
  EXPECT_FALSE(all_finite(std::span<const TypeParam>(values)));
}

}  // namespace
}  // namespace plumbline
