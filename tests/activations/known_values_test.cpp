// SPDX-License-Identifier: Apache-2.0
// Values of single activations, computed with 30 digits (mpmath), and their limits.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "engine/activations/activation.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Some ten roundings of 1.1e-16 each, and xsimd's own few ulps.
constexpr double kRounding = 3e-15;
// Scalar: the rounding of the argument x = -z / sqrt 2 of erfc, 1.1e-16 relative, grows by the
// logarithmic slope 2 x^2 = z^2 of erfc: 900 * 1.1e-16 at z = -30, and the power series' own error.
constexpr double kTailTolerance = 4e-13;
// SIMD: xsimd 8's erfc, measured at 6e-9 in the far tail. By 1 + erf all would be lost.
constexpr double kSimdTailTolerance = 2e-8;
// exp(700) inherits 700 times the rounding of its argument's reduction at worst.
constexpr double kExponentialTolerance = 1e-13;

double simd(const Activation& activation, double z) {
  std::vector<double> a(1);
  activation.apply(std::span<const double>(&z, 1), a);
  return a[0];
}

double simd_slope(const Activation& activation, double z) {
  const double a = simd(activation, z);
  std::vector<double> delta = {1};
  activation.multiply_slope(std::span<const double>(&z, 1), std::span<const double>(&a, 1), delta);
  return delta[0];
}

/// Relative tolerances of the scalar and of the SIMD form.
struct Tolerance {
  Tolerance(double both) : scalar(both), simd(both) {}  // NOLINT(google-explicit-constructor)
  Tolerance(double of_scalar, double of_simd) : scalar(of_scalar), simd(of_simd) {}

  double scalar;
  double simd;
};

void expect_value(const char* name, double z, double expected, const Tolerance& tolerance) {
  const auto activation = made(activation_catalogue(), name);
  const double magnitude = std::abs(expected);
  EXPECT_NEAR(activation->value(z), expected, tolerance.scalar * magnitude) << name << " at " << z;
  EXPECT_NEAR(simd(*activation, z), expected, tolerance.simd * magnitude) << name << " at " << z;
}

void expect_slope(const char* name, double z, double expected, const Tolerance& tolerance) {
  const auto activation = made(activation_catalogue(), name);
  const double magnitude = std::abs(expected);
  EXPECT_NEAR(activation->slope(z), expected, tolerance.scalar * magnitude) << name << " at " << z;
  EXPECT_NEAR(simd_slope(*activation, z), expected, tolerance.simd * magnitude)
      << name << " at " << z;
}

/// The value where z is infinite, in the scalar form and in both SIMD types.
void expect_limit(const char* name, double z, double expected) {
  const auto activation = made(activation_catalogue(), name);
  EXPECT_EQ(activation->value(z), expected) << name;
  EXPECT_EQ(simd(*activation, z), expected) << name;
  const auto z_float = static_cast<float>(z);
  std::vector<float> a(1);
  activation->apply(std::span<const float>(&z_float, 1), a);
  EXPECT_EQ(a[0], static_cast<float>(expected)) << name;
}

TEST(Linear, IsTheIdentity) {
  for (const double z : {-1e300, -2.5, 0.0, 1e-300, 7.0}) {
    expect_value("linear", z, z, 0);
    expect_slope("linear", z, 1, 0);
  }
  expect_limit("linear", kInfinity, kInfinity);
  expect_limit("linear", -kInfinity, -kInfinity);
}

TEST(Relu, IsZeroBelowTheOriginAndTheIdentityAbove) {
  expect_value("relu", 2.5, 2.5, 0);
  expect_value("relu", -2.5, 0, 0);
  expect_value("relu", 0, 0, 0);
  expect_slope("relu", 1e-300, 1, 0);
  expect_slope("relu", -1e-300, 0, 0);
  expect_slope("relu", 0, 0, 0);
  expect_limit("relu", kInfinity, kInfinity);
  expect_limit("relu", -kInfinity, 0);
}

TEST(Sigmoid, HasItsKnownValues) {
  expect_value("sigmoid", 0, 0.5, 0);
  expect_slope("sigmoid", 0, 0.25, 0);
  expect_value("sigmoid", 1, 0.73105857863000487925, kRounding);
  expect_slope("sigmoid", 1, 0.19661193324148185254, kRounding);
  expect_limit("sigmoid", kInfinity, 1);
  expect_limit("sigmoid", -kInfinity, 0);
}

TEST(Sigmoid, KeepsRelativeAccuracyInItsLeftTail) {
  expect_value("sigmoid", -40, 4.2483542552915889773e-18, kExponentialTolerance);
  expect_slope("sigmoid", -40, 4.2483542552915889592e-18, kExponentialTolerance);
  expect_value("sigmoid", -700, 9.8596765437597708567e-305, kExponentialTolerance);
  expect_slope("sigmoid", -700, 9.8596765437597708567e-305, kExponentialTolerance);
}

TEST(Tanh, HasItsKnownValues) {
  expect_value("tanh", 0, 0, 0);
  expect_slope("tanh", 0, 1, 0);
  expect_value("tanh", 0.5, 0.4621171572600097585, kRounding);
  expect_value("tanh", -0.5, -0.4621171572600097585, kRounding);
  expect_slope("tanh", 0.5, 0.78644773296592741015, kRounding);
  expect_value("tanh", 1e-30, 1e-30, kRounding);
  expect_limit("tanh", kInfinity, 1);
  expect_limit("tanh", -kInfinity, -1);
}

TEST(Gelu, HasItsKnownValues) {
  expect_value("gelu", 0, 0, 0);
  expect_slope("gelu", 0, 0.5, kRounding);
  expect_value("gelu", 1, 0.84134474606854294859, kRounding);
  expect_value("gelu", -1, -0.15865525393145705141, kRounding);
  expect_value("gelu", 0.5, 0.34573123063700655182, kRounding);
  expect_slope("gelu", 1, 1.0833154705876862984, kRounding);
  expect_slope("gelu", -1, -0.083315470587686298383, kRounding);
  expect_slope("gelu", 0.5, 0.86749512465616284253, kRounding);
  expect_limit("gelu", kInfinity, kInfinity);
}

TEST(Gelu, IsTheExactFormAndNotTheTanhApproximation) {
  // At z = 2 the approximation gives 1.9545977, 1.0e-4 more.
  expect_value("gelu", 2, 1.9544997361036415856, kRounding);
}

TEST(Gelu, KeepsRelativeAccuracyInItsLeftTail) {
  const Tolerance tail(kTailTolerance, kSimdTailTolerance);
  expect_value("gelu", -5, -1.4332578593959695584e-6, tail);
  expect_value("gelu", -10, -7.619853024160526066e-23, tail);
  expect_value("gelu", -30, -1.4720141781444561179e-196, tail);
  expect_slope("gelu", -5, -7.1469460017922946279e-6, tail);
  expect_slope("gelu", -10, -7.6184000964648140857e-22, tail);
  expect_slope("gelu", -30, -4.4160316907084943701e-195, tail);
  expect_value("gelu", -1e30, 0, 0);
}

}  // namespace
}  // namespace plumbline
