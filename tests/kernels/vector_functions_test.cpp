// SPDX-License-Identifier: Apache-2.0
// The vector functions that activations and losses are made of, against libm's in double precision, over
// all floats but for a stride: every exponent, both signs, subnormals, infinities and NaN. The bounds, in
// units in the last place (ulp) of the exact result, leave a quarter above what was measured with xsimd 8
// for SSE2 and AVX2.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "engine/kernels/elementwise.hpp"

namespace plumbline {
namespace {

constexpr std::size_t kLanes = Batch<float>::size;
// A prime, so that all low bits occur with every exponent.
constexpr std::uint32_t kStride = 1999;

double ulp(double exact) {
  const int exponent = std::max(std::ilogb(exact), std::numeric_limits<float>::min_exponent - 1);
  return std::ldexp(1.0, exponent - (std::numeric_limits<float>::digits - 1));
}

struct Worst {
  double ulps = 0;  // where the exact result is a normal float
  float at = 0;
  double below = 0;  // elsewhere: absolute error, as a share of the least normal float
};

/// `most`: what the exact result exceeds where the vector function may be infinite already.
template <class Vector, class Exact>
Worst worst_of(const Vector& vector, const Exact& exact,
               double most = std::numeric_limits<float>::max()) {
  Worst worst;
  std::array<float, kLanes> x;
  std::array<float, kLanes> y;
  std::uint64_t bits = 0;
  while (bits <= 0xffffffffU) {
    for (float& value : x) {
      value = std::bit_cast<float>(
          static_cast<std::uint32_t>(std::min<std::uint64_t>(bits, 0xffffffffU)));
      bits += kStride;
    }
    vector(Batch<float>::load_unaligned(x.data())).store_unaligned(y.data());
    for (std::size_t i = 0; i < kLanes; ++i) {
      const double expected = exact(static_cast<double>(x[i]));
      const auto rounded = static_cast<float>(expected);
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(y[i])) << x[i] << " gives " << y[i];
      } else if (std::isinf(rounded) || std::isinf(y[i])) {
        EXPECT_TRUE(y[i] == rounded || (std::isinf(y[i]) && expected > most))
            << x[i] << " gives " << y[i];
      } else if (std::abs(expected) >= std::numeric_limits<float>::min()) {
        const double ulps = std::abs(y[i] - expected) / ulp(expected);
        if (ulps > worst.ulps) {
          worst.ulps = ulps;
          worst.at = x[i];
        }
      } else {
        worst.below = std::max(
            worst.below, std::abs(y[i] - expected) / double{std::numeric_limits<float>::min()});
      }
    }
  }
  return worst;
}

void expect_within(const Worst& worst, double ulps, double below) {
  EXPECT_LE(worst.ulps, ulps) << "at " << worst.at;
  EXPECT_LE(worst.below, below);
  testing::Test::RecordProperty("ulps", std::to_string(worst.ulps));
  testing::Test::RecordProperty("below", std::to_string(worst.below));
}

// xsimd's exp ends at +-88.376, where the exact one still has a last piece: up to 88.72 it is infinite
// too early, and from -87.3 down to -103.3, among the subnormal floats, it is zero too early.
TEST(VectorFunctions, ExpIsWithinUlpsOverAllFloats) {
  expect_within(worst_of([](const auto& x) { return xsimd::exp(x); },
                         [](double x) { return std::exp(x); }, std::exp(88.376)),
                1.75, 0.75);
}

TEST(VectorFunctions, Expm1IsWithinUlpsOverAllFloats) {
  expect_within(worst_of([](const auto& x) { return xsimd::expm1(x); },
                         [](double x) { return std::expm1(x); }, std::exp(88.376)),
                2.5, 1e-6);
}

TEST(VectorFunctions, Log1pIsWithinUlpsOverAllFloats) {
  expect_within(worst_of([](const auto& x) { return xsimd::log1p(x); },
                         [](double x) { return std::log1p(x); }),
                1, 1e-6);
}

TEST(VectorFunctions, TanhIsWithinUlpsOverAllFloats) {
  expect_within(
      worst_of([](const auto& x) { return xsimd::tanh(x); }, [](double x) { return std::tanh(x); }),
      1.6, 1e-6);
}

TEST(VectorFunctions, ErfIsWithinUlpsOverAllFloats) {
  expect_within(
      worst_of([](const auto& x) { return xsimd::erf(x); }, [](double x) { return std::erf(x); }),
      3, 1e-6);
}

}  // namespace
}  // namespace plumbline
