// SPDX-License-Identifier: Apache-2.0
// The contract of every activation, over the catalogue: a new one is tested the moment its file
// exists.
#include "engine/activations/activation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "engine/core/random.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

// Four-point central difference with step h: its truncation error is h^4/30 |phi^(5)| < 6e-13 for
// |phi^(5)| <= 16 (tanh), and three halves of the rounding error of phi, over h, add 2e-13 |phi|.
constexpr double kDifferenceStep = 1e-3;
constexpr double kDifferenceTolerance = 1e-11;

// SIMD against scalar, in units of T's spacing at the result for z >= -1, and in epsilons for a slope
// and for z < -1, where results are differences from 1. Measured with xsimd 8: gelu in double 17 at
// z = 3.1 and 52 at z = -3.1, where its erfc is off by 4e-12 of 0.002; everything else at most 5.
constexpr double kUlps = 64;
// Left tails must keep relative accuracy. Measured: gelu, by xsimd's erfc, 6e-9 in double at
// z = -37 and 6e-6 in float at z = -13; a tail by 1 + erf or by tanh is off by 1 from z = -9 on.
template <typename T>
constexpr double kTailTolerance = sizeof(T) == 8 ? 2e-8 : 2e-5;

std::string name_of(const testing::TestParamInfo<std::string>& info) { return info.param; }

class EveryActivation : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<const Activation> activation_ = made(activation_catalogue(), GetParam().c_str());

  template <typename T>
  std::vector<T> applied(const std::vector<T>& z) const {
    std::vector<T> a(z.size(), T(-99));
    activation_->apply(std::span<const T>(z), std::span<T>(a));
    return a;
  }

  template <typename T>
  std::vector<T> slopes(const std::vector<T>& z, T factor = 1) const {
    const std::vector<T> a = applied(z);
    std::vector<T> delta(z.size(), factor);
    activation_->multiply_slope(std::span<const T>(z), std::span<const T>(a), std::span<T>(delta));
    return delta;
  }

  double difference(double z) const {
    const double h = kDifferenceStep;
    const auto phi = [this](double x) { return activation_->value(x); };
    return (8 * (phi(z + h) - phi(z - h)) - (phi(z + 2 * h) - phi(z - 2 * h))) / (12 * h);
  }

  void expect_slope_is_difference(double z) const {
    const double tolerance = kDifferenceTolerance * std::max(1.0, std::abs(activation_->value(z)));
    EXPECT_NEAR(activation_->slope(z), difference(z), tolerance) << "at z = " << z;
  }
};

INSTANTIATE_TEST_SUITE_P(Catalogue, EveryActivation,
                         testing::ValuesIn(activation_catalogue().names()), name_of);

/// +-10^e for e from -30 to 4, with points between; both signs of each.
template <typename T>
std::vector<T> log_spaced() {
  std::vector<T> z = {T(0)};
  for (int i = 0; i <= 34 * 256; ++i) {
    const T magnitude = static_cast<T>(std::pow(10.0, -30 + i / 256.0));
    z.push_back(magnitude);
    z.push_back(-magnitude);
  }
  // Where the functions turn, more densely.
  for (int i = -20 * 256; i <= 20 * 256; ++i) z.push_back(static_cast<T>(i / 256.0));
  return z;
}

/// The spacing of T's numbers just above |x|.
template <typename T>
double spacing(double x) {
  const double magnitude = std::max(std::abs(x), double{std::numeric_limits<T>::min()});
  return std::ldexp(1.0, std::ilogb(magnitude) + 1 - std::numeric_limits<T>::digits);
}

/// How far phi(z) in SIMD may be from the scalar one. Results below the normal range may become zero
/// (xsimd's exponential does that).
template <typename T>
double allowed_error(double z, double value) {
  const double ulps = kUlps * spacing<T>(value);
  if (z >= -1) return ulps;
  const double tail = kTailTolerance<T> * std::abs(value) + double{std::numeric_limits<T>::min()};
  return std::max(ulps, std::min(tail, kUlps * double{std::numeric_limits<T>::epsilon()}));
}

TEST_P(EveryActivation, SlopeIsTheDerivativeAtRandomPoints) {
  Random random(1, RandomStream::noise, 0);
  for (int i = 0; i < 2000; ++i) {
    const double z = 16 * random.uniform() - 8;
    if (std::abs(z) > 2 * kDifferenceStep) expect_slope_is_difference(z);
  }
}

TEST_P(EveryActivation, SlopeIsTheDerivativeOnBothSidesOfTheOriginAndFarOut) {
  for (const double magnitude : {2.5 * kDifferenceStep, 0.01, 0.5, 1.0, 2.0, 6.0, 20.0, 40.0}) {
    expect_slope_is_difference(magnitude);
    expect_slope_is_difference(-magnitude);
  }
}

TEST_P(EveryActivation, SlopeIsTheDerivativeAtTheOriginUnlessThereIsAKink) {
  const double left = activation_->slope(-1e-9);
  const double right = activation_->slope(1e-9);
  if (std::abs(left - right) < 1e-6) {
    expect_slope_is_difference(0);
  } else {
    // Any value between the two sides is a subgradient.
    EXPECT_GE(activation_->slope(0), std::min(left, right));
    EXPECT_LE(activation_->slope(0), std::max(left, right));
  }
}

template <typename T>
void expect_values_near_scalar(const Activation& activation, const std::vector<T>& z,
                               const std::vector<T>& a) {
  double worst = 0;
  T worst_z = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double expected = activation.value(double{z[i]});
    const double share = std::abs(double{a[i]} - expected) / allowed_error<T>(z[i], expected);
    if (!(share <= worst)) {
      worst = share;
      worst_z = z[i];
    }
  }
  EXPECT_LE(worst, 1.0) << "at z = " << worst_z;
}

template <typename T>
void expect_slopes_near_scalar(const Activation& activation, const std::vector<T>& z,
                               const std::vector<T>& slopes) {
  double worst = 0;
  T worst_z = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double error = std::abs(double{slopes[i]} - activation.slope(double{z[i]}));
    const double epsilons = error / double{std::numeric_limits<T>::epsilon()};
    if (!(epsilons <= worst)) {
      worst = epsilons;
      worst_z = z[i];
    }
  }
  EXPECT_LE(worst, kUlps) << "at z = " << worst_z;
}

TEST_P(EveryActivation, SimdValuesInFloatAreTheScalarOnes) {
  const std::vector<float> z = log_spaced<float>();
  expect_values_near_scalar(*activation_, z, applied(z));
}

TEST_P(EveryActivation, SimdValuesInDoubleAreTheScalarOnes) {
  const std::vector<double> z = log_spaced<double>();
  expect_values_near_scalar(*activation_, z, applied(z));
}

TEST_P(EveryActivation, SimdSlopesInFloatAreTheScalarOnes) {
  const std::vector<float> z = log_spaced<float>();
  expect_slopes_near_scalar(*activation_, z, slopes(z));
}

TEST_P(EveryActivation, SimdSlopesInDoubleAreTheScalarOnes) {
  const std::vector<double> z = log_spaced<double>();
  expect_slopes_near_scalar(*activation_, z, slopes(z));
}

TEST_P(EveryActivation, MultiplySlopeMultipliesWhatStandsThere) {
  const std::vector<double> z = {-2.5, -0.5, 0.25, 1.0, 3.0};
  const std::vector<double> once = slopes(z);
  const std::vector<double> scaled = slopes(z, -4.0);
  for (std::size_t i = 0; i < z.size(); ++i) EXPECT_EQ(scaled[i], -4 * once[i]);
}

TEST_P(EveryActivation, MayBeAppliedInPlace) {
  std::vector<double> z = log_spaced<double>();
  const std::vector<double> a = applied(z);
  activation_->apply(std::span<const double>(z), std::span<double>(z));
  EXPECT_EQ(z, a);
}

template <typename T, class Apply>
void expect_nan_stays(const Apply& apply) {
  constexpr std::size_t kCount = 67;  // whole batches and a tail for every width
  for (std::size_t bad = 0; bad < kCount; ++bad) {
    std::vector<T> z(kCount, T(0.5));
    z[bad] = std::numeric_limits<T>::quiet_NaN();
    const std::vector<T> a = apply(z);
    for (std::size_t i = 0; i < kCount; ++i) ASSERT_EQ(std::isnan(a[i]), i == bad) << i;
  }
}

TEST_P(EveryActivation, KeepsNanInEveryLaneAndPosition) {
  expect_nan_stays<float>([this](const std::vector<float>& z) { return applied(z); });
  expect_nan_stays<double>([this](const std::vector<double>& z) { return applied(z); });
  EXPECT_TRUE(std::isnan(activation_->value(std::numeric_limits<double>::quiet_NaN())));
}

template <typename T>
bool finite(const std::vector<T>& values) {
  return std::ranges::all_of(values, [](T value) { return std::isfinite(value); });
}

TEST_P(EveryActivation, IsFiniteFarOut) {
  std::vector<float> z;
  for (const float magnitude : {10.0F, 80.0F, 88.5F, 104.0F, 745.0F, 1e4F}) {
    z.insert(z.end(), {magnitude, -magnitude});
  }
  const std::vector<double> z_double(z.begin(), z.end());
  EXPECT_TRUE(finite(applied(z)));
  EXPECT_TRUE(finite(slopes(z)));
  EXPECT_TRUE(finite(applied(z_double)));
  EXPECT_TRUE(finite(slopes(z_double)));
  for (const double at : z_double) {
    EXPECT_TRUE(std::isfinite(activation_->value(at)));
    EXPECT_TRUE(std::isfinite(activation_->slope(at)));
  }
}

}  // namespace
}  // namespace plumbline
