// SPDX-License-Identifier: Apache-2.0
// The contract of every element-wise activation, over the catalogue: a new one is tested the moment
// its file exists. passes_test.cpp has the contract of all activations on matrices.
#include "engine/activations/activation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/random.hpp"
#include "tests/activations/cases.hpp"

namespace plumbline {
namespace {

// Four-point central difference with step h: its truncation error is h^4/30 |f^(5)|, 2.4e-11 for
// |f^(5)| = 720 (the slope of softsign beside its kink; erf's has 140 and tanh's 16), and three halves
// of the rounding error of f, over h, add 2e-13 |f| for each rounding.
constexpr double kDifferenceStep = 1e-3;
constexpr double kDifferenceTolerance = 3e-11;
constexpr double kReach = 2 * kDifferenceStep;  // of its points on either side

// SIMD against scalar, in ulps as one_ulp() has them. Measured with xsimd 8 on AVX2: values of erf and
// gelu 33 and 19 in double, mish 8 in double, gaussian 5 in float, all others at most 3; slopes of gelu
// 16 in double, all others at most 2. Where e^z underflows, a good third of what is allowed is used.
constexpr double kUlps = 64;
// xsimd 8's erfc alone is worse in its tail: 6e-9 relative in double at z = -37 and 6e-6 in float at
// z = -13. A tail by 1 + erf or 1 + tanh is off by 1 from z = -9 on.
template <typename T>
constexpr double kErfcTail = sizeof(T) == 8 ? 2e-8 : 2e-5;

std::string label_of(const testing::TestParamInfo<ActivationCase>& info) {
  return info.param.label;
}

class EveryElementwiseActivation : public testing::TestWithParam<ActivationCase> {
 protected:
  std::shared_ptr<const ElementwiseActivation> phi_ =
      std::dynamic_pointer_cast<const ElementwiseActivation>(GetParam().made());
  const std::function<double(double)> value_ = [this](double z) { return phi_->value(z); };
  const std::function<double(double)> slope_ = [this](double z) { return phi_->slope(z); };

  double distance_to_kink(double z) const {
    double least = std::numeric_limits<double>::infinity();
    for (const double kink : phi_->kinks()) least = std::min(least, std::abs(z - kink));
    return least;
  }

  static void expect_derivative(const std::function<double(double)>& f, double derivative,
                                double z) {
    const double h = kDifferenceStep;
    const double difference =
        (8 * (f(z + h) - f(z - h)) - (f(z + 2 * h) - f(z - 2 * h))) / (12 * h);
    EXPECT_NEAR(derivative, difference, kDifferenceTolerance * std::max(1.0, std::abs(f(z))))
        << "at z = " << z;
  }
  void expect_derivatives(double z) const {
    expect_derivative(value_, phi_->slope(z), z);
    expect_derivative(slope_, phi_->curvature(z), z);
  }
};

INSTANTIATE_TEST_SUITE_P(Catalogue, EveryElementwiseActivation,
                         testing::ValuesIn(elementwise_cases()), label_of);

TEST_P(EveryElementwiseActivation, SlopeAndCurvatureAreDerivativesAtRandomPoints) {
  Random random(1, RandomStream::noise, 0);
  for (int i = 0; i < 2000; ++i) {
    const double z = 16 * random.uniform() - 8;
    if (distance_to_kink(z) > kReach) expect_derivatives(z);
  }
}

TEST_P(EveryElementwiseActivation, SlopeAndCurvatureAreDerivativesAtSpecialPoints) {
  for (const double magnitude : {0.0, 1e-9, 0.01, 0.5, 1.0, 2.0, 6.0, 20.0, 40.0}) {
    for (const double z : {magnitude, -magnitude}) {
      if (distance_to_kink(z) > kReach) expect_derivatives(z);
    }
  }
}

TEST_P(EveryElementwiseActivation, SlopeAndCurvatureAreDerivativesOnBothSidesOfEveryKink) {
  for (const double kink : phi_->kinks()) {
    expect_derivatives(kink - 1.25 * kReach);
    expect_derivatives(kink + 1.25 * kReach);
  }
}

TEST_P(EveryElementwiseActivation, IsContinuousWithASlopeBetweenTheTwoSidesAtAKink) {
  for (const double kink : phi_->kinks()) {
    constexpr double kNear = 1e-9;
    constexpr double kMoved = 1e-8;  // phi and its derivatives move by less over kNear
    EXPECT_NEAR(phi_->value(kink - kNear), phi_->value(kink), kMoved);
    EXPECT_NEAR(phi_->value(kink + kNear), phi_->value(kink), kMoved);
    const auto [low, high] = std::minmax({phi_->slope(kink - kNear), phi_->slope(kink + kNear)});
    EXPECT_GE(phi_->slope(kink), low - kMoved);
    EXPECT_LE(phi_->slope(kink), high + kMoved);
    const double left = phi_->curvature(kink - kNear);
    const double right = phi_->curvature(kink + kNear);
    const double at = phi_->curvature(kink);
    EXPECT_LE(std::min(std::abs(at - left), std::abs(at - right)), kMoved);
  }
}

// Where f jumps between two points: halves the interval, keeping the half over which f changes more,
// down to 1e-10, over which a smooth f of these changes by 2e-9 at most. NaN where it does not jump.
double jump_between(const std::function<double(double)>& f, double low, double high) {
  constexpr double kNarrow = 1e-10;
  constexpr double kJump = 1e-7;
  while (high - low > kNarrow) {
    const double middle = 0.5 * (low + high);
    const bool left = std::abs(f(middle) - f(low)) > std::abs(f(high) - f(middle));
    (left ? high : low) = middle;
  }
  return std::abs(f(high) - f(low)) > kJump ? low : std::nan("");
}

TEST_P(EveryElementwiseActivation, HasItsKinksWhereSlopeOrCurvatureJumpsAndNowhereElse) {
  std::vector<double> jumps;
  constexpr double kStep = 1.0 / 512;
  for (double z = -10 - kStep / 3; z < 10; z += kStep) {
    const double of_slope = jump_between(slope_, z, z + kStep);
    const double of_curvature =
        jump_between([this](double x) { return phi_->curvature(x); }, z, z + kStep);
    if (!std::isnan(of_slope)) {
      jumps.push_back(of_slope);
    } else if (!std::isnan(of_curvature)) {
      jumps.push_back(of_curvature);
    }
  }
  const std::vector<double> kinks = phi_->kinks();
  ASSERT_EQ(jumps.size(), kinks.size());
  for (std::size_t i = 0; i < jumps.size(); ++i) EXPECT_NEAR(jumps[i], kinks[i], 1e-9);
}

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

struct WorstError {
  double units = 0;  // of what is allowed for one ulp
  double z = 0;

  void add(double of_units, double at) {
    if (!(of_units <= units)) *this = {of_units, at};
  }
};

// An ulp of phi(z) or phi'(z) whose derivative is `derivative`. Where e^z is below the normal range it
// may be zero, as xsimd's exponential makes it, and with it z e^z.
template <typename T>
double one_ulp(double result, double derivative, double z) {
  return double{std::numeric_limits<T>::epsilon()} * (std::abs(result) + std::abs(z * derivative)) +
         double{std::numeric_limits<T>::min()} * std::max(1.0, std::abs(z)) / kUlps;
}

template <typename T>
WorstError worst_value(const ActivationCase& example, const ElementwiseActivation& phi) {
  const std::vector<T> z = log_spaced<T>();
  const std::vector<T> a = applied(phi, z);
  const double tail = example.name == "gelu" ? kErfcTail<T> / kUlps : 0;
  WorstError worst;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double expected = phi.value(double{z[i]});
    double allowed = one_ulp<T>(expected, phi.slope(double{z[i]}), z[i]);
    if (z[i] < -1) allowed += tail * std::abs(expected);
    worst.add(std::abs(double{a[i]} - expected) / allowed, z[i]);
  }
  return worst;
}

// Slopes such as a (1 - a) are known to a rounding of 1, not of the slope.
template <typename T>
WorstError worst_slope(const ElementwiseActivation& phi) {
  const std::vector<T> z = log_spaced<T>();
  const std::vector<T> delta = slopes(phi, z);
  WorstError worst;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double expected = phi.slope(double{z[i]});
    const double allowed =
        one_ulp<T>(std::max(1.0, std::abs(expected)), phi.curvature(double{z[i]}), z[i]);
    worst.add(std::abs(double{delta[i]} - expected) / allowed, z[i]);
  }
  return worst;
}

TEST_P(EveryElementwiseActivation, SimdValuesAreTheScalarOnes) {
  const WorstError in_float = worst_value<float>(GetParam(), *phi_);
  const WorstError in_double = worst_value<double>(GetParam(), *phi_);
  RecordProperty("float_ulps", std::to_string(in_float.units));
  RecordProperty("double_ulps", std::to_string(in_double.units));
  EXPECT_LE(in_float.units, kUlps) << "at z = " << in_float.z;
  EXPECT_LE(in_double.units, kUlps) << "at z = " << in_double.z;
}

TEST_P(EveryElementwiseActivation, SimdSlopesAreTheScalarOnes) {
  const WorstError in_float = worst_slope<float>(*phi_);
  const WorstError in_double = worst_slope<double>(*phi_);
  RecordProperty("float_ulps", std::to_string(in_float.units));
  RecordProperty("double_ulps", std::to_string(in_double.units));
  EXPECT_LE(in_float.units, kUlps) << "at z = " << in_float.z;
  EXPECT_LE(in_double.units, kUlps) << "at z = " << in_double.z;
}

TEST_P(EveryElementwiseActivation, BackwardMultipliesWhatComesFromAbove) {
  const std::vector<double> z = {-2.5, -0.5, 0.25, 0.75, 3.0};
  const std::vector<double> once = slopes(*phi_, z);
  const std::vector<double> scaled = slopes(*phi_, z, -4.0);
  for (std::size_t i = 0; i < z.size(); ++i) EXPECT_EQ(scaled[i], -4 * once[i]);
}

TEST_P(EveryElementwiseActivation, IsFiniteFarOut) {
  std::vector<float> z;
  for (const float magnitude : {10.0F, 80.0F, 88.5F, 104.0F, 745.0F, 1e4F}) {
    z.insert(z.end(), {magnitude, -magnitude});
  }
  const std::vector<double> z_double(z.begin(), z.end());
  const auto finite = [](const auto& values) {
    return std::ranges::all_of(values, [](auto value) { return std::isfinite(value); });
  };
  EXPECT_TRUE(finite(applied(*phi_, z)));
  EXPECT_TRUE(finite(slopes(*phi_, z)));
  EXPECT_TRUE(finite(applied(*phi_, z_double)));
  EXPECT_TRUE(finite(slopes(*phi_, z_double)));
  for (const double at : z_double) {
    EXPECT_TRUE(std::isfinite(phi_->value(at))) << at;
    EXPECT_TRUE(std::isfinite(phi_->slope(at))) << at;
    EXPECT_TRUE(std::isfinite(phi_->curvature(at))) << at;
  }
}

// The limit of f in the direction of `sign`, from two points very far out: infinite where f is large
// there, NaN where f has not settled.
double limit(const std::function<double(double)>& f, double sign) {
  constexpr double kLarge = 1e3;
  constexpr double kSettled = 1e-7;
  const double far = f(sign * 1e15);
  const double farther = f(sign * 1e16);
  if (std::abs(farther) > kLarge) {
    return std::copysign(std::numeric_limits<double>::infinity(), farther);
  }
  return std::abs(farther - far) < kSettled ? farther : std::nan("");
}

TEST_P(EveryElementwiseActivation, HasItsLimitsAtInfinity) {
  const auto expect_limit = [](double measured, double expected, const char* of) {
    if (std::isinf(expected)) {
      EXPECT_EQ(measured, expected) << of;
    } else {
      EXPECT_NEAR(measured, expected, 1e-6) << of;
    }
  };
  for (const double sign : {1.0, -1.0}) {
    const double infinity = sign * std::numeric_limits<double>::infinity();
    const auto infinity_float = static_cast<float>(infinity);
    const double of_value = limit(value_, sign);
    if (!std::isnan(of_value)) {
      expect_limit(phi_->value(infinity), of_value, "value");
      expect_limit(applied<double>(*phi_, {infinity})[0], of_value, "value in double");
      expect_limit(applied<float>(*phi_, {infinity_float})[0], of_value, "value in float");
    }
    const double of_slope = limit(slope_, sign);
    if (!std::isnan(of_slope)) {
      expect_limit(phi_->slope(infinity), of_slope, "slope");
      expect_limit(slopes<double>(*phi_, {infinity})[0], of_slope, "slope in double");
      expect_limit(slopes<float>(*phi_, {infinity_float})[0], of_slope, "slope in float");
    }
    const double of_curvature = limit([this](double z) { return phi_->curvature(z); }, sign);
    if (!std::isnan(of_curvature)) {
      expect_limit(phi_->curvature(infinity), of_curvature, "curvature");
    }
    EXPECT_EQ(std::isnan(of_value), GetParam().name == "sine") << "the one without a limit";
  }
}

TEST_P(EveryElementwiseActivation, KeepsNotANumberInItsScalarForm) {
  EXPECT_TRUE(std::isnan(phi_->value(std::nan(""))));
}

}  // namespace
}  // namespace plumbline
