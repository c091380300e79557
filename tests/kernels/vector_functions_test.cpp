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
#include "engine/kernels/vector_functions.hpp"

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

TEST(VectorFunctions, ExponentialIsWithinUlpsOverAllFloats) {
  expect_within(
      worst_of([](const auto& x) { return exponential(x); }, [](double x) { return std::exp(x); }),
      2, 1e-6);
}

TEST(VectorFunctions, HyperbolicTangentIsWithinUlpsOverAllFloats) {
  expect_within(worst_of([](const auto& x) { return hyperbolic_tangent(x); },
                         [](double x) { return std::tanh(x); }),
                3, 1e-6);
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

TEST(VectorFunctions, GateIsWithinUlpsAndStaysAtTheLeastNormalFloat) {
  constexpr double kLeast = -87;
  expect_within(worst_of([](const auto& x) { return gate(x); },
                         [](double x) { return logistic(x < kLeast ? kLeast : x); }),
                3, 1e-6);
}

// Doubles of every exponent and both signs, against libm in long double.
template <class Vector, class Exact>
void expect_doubles_within(const Vector& vector, const Exact& exact, double ulps) {
  constexpr std::size_t kSize = Batch<double>::size;
  constexpr std::uint64_t kStep = 36028797018963913;  // a prime near 2^55: 512 of them are all
  double worst = 0;
  double at = 0;
  for (std::uint64_t low = 0; low < 400; ++low) {
    for (std::uint64_t i = 0; i < 512; i += kSize) {
      std::array<double, kSize> x;
      std::array<double, kSize> y;
      for (std::size_t lane = 0; lane < kSize; ++lane) {
        // The golden ratio scatters the low bits.
        x[lane] = std::bit_cast<double>((i + lane) * kStep + low * 0x9e3779b97f4a7c15U);
        // As many again from -40 to 40, where the functions are neither constant nor linear.
        if (low % 2 == 1) x[lane] = std::remainder(x[lane], 80.0);
      }
      vector(Batch<double>::load_unaligned(x.data())).store_unaligned(y.data());
      for (std::size_t lane = 0; lane < kSize; ++lane) {
        const long double expected = exact(static_cast<long double>(x[lane]));
        if (std::isnan(expected)) {
          EXPECT_TRUE(std::isnan(y[lane])) << x[lane];
        } else if (!std::isfinite(static_cast<double>(expected))) {
          EXPECT_EQ(y[lane], static_cast<double>(expected)) << x[lane];
        } else {
          const int exponent = std::max(std::ilogb(expected), -1022);
          const auto error = static_cast<double>(std::abs(y[lane] - expected));
          const double units = error / std::ldexp(1.0, exponent - 52);
          if (units > worst) {
            worst = units;
            at = x[lane];
          }
        }
      }
    }
  }
  EXPECT_LE(worst, ulps) << "at " << at;
  EXPECT_GT(worst, 0.5);
}

TEST(VectorFunctions, ExponentialOfDoublesIsWithinUlps) {
  expect_doubles_within([](const auto& x) { return exponential(x); },
                        [](long double x) { return std::exp(x); }, 2);
}

TEST(VectorFunctions, GateOfDoublesIsWithinUlps) {
  expect_doubles_within([](const auto& x) { return gate(x); },
                        [](long double x) { return 1 / (1 + std::exp(x < -708 ? 708 : -x)); }, 3);
}

TEST(VectorFunctions, HyperbolicTangentOfDoublesIsWithinUlps) {
  expect_doubles_within([](const auto& x) { return hyperbolic_tangent(x); },
                        [](long double x) { return std::tanh(x); }, 3);
}

// xsimd's ends at 88.376, where the exact one still has a last piece.
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

TEST(VectorFunctions, ErfIsWithinUlpsOverAllFloats) {
  expect_within(
      worst_of([](const auto& x) { return xsimd::erf(x); }, [](double x) { return std::erf(x); }),
      3, 1e-6);
}

}  // namespace
}  // namespace plumbline
