// SPDX-License-Identifier: Apache-2.0
// The edge of chaos: weight variances at which chi_1 is 1.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include "engine/theory/edge_of_chaos.hpp"
#include "engine/theory/length_map.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

std::shared_ptr<const Activation> activation(const std::string& name) {
  return make_plugin(activation_catalogue(), name);
}

/// An activation from two functions; its kink, if any, is at 0.
template <double (*phi)(double), double (*phi_slope)(double)>
class Formula {
 public:
  explicit Formula(Settings& /*settings*/) {}
  template <typename V>
  V value(V z) const {
    return z;  // of batches, which no test here asks for
  }
  double value(double z) const { return phi(z); }
  template <typename V>
  V slope(V z, V /*a*/) const {
    return z;
  }
  double slope(double z, double /*a*/) const { return phi_slope(z); }
  template <typename V>
  V curvature(V /*z*/, V a) const {
    return a;
  }
  std::vector<double> kinks() const { return {0}; }
};

template <double (*phi)(double), double (*phi_slope)(double)>
std::optional<double> critical(double bias_variance) {
  const SettingsTable empty;
  SettingsReport report;
  Settings settings(empty, "", report);
  const FunctorActivation<Formula<phi, phi_slope>> activation(settings);
  return critical_weight_variance(activation, bias_variance);
}

double erf_value(double z) { return std::erf(z); }
double erf_slope(double z) { return 2 * std::numbers::inv_sqrtpi * std::exp(-z * z); }
double leaky_value(double z) { return z > 0 ? z : 0.1 * z; }
double leaky_slope(double z) { return z > 0 ? 1 : 0.1; }
double softplus_value(double z) { return std::log1p(std::exp(-std::abs(z))) + std::fmax(z, 0); }
double softplus_slope(double z) { return 1 / (1 + std::exp(-z)); }
double silu_value(double z) { return z / (1 + std::exp(-z)); }
double silu_slope(double z) {
  const double share = 1 / (1 + std::exp(-z));
  return share * (1 + z * (1 - share));
}
double elu_value(double z) { return z > 0 ? z : std::expm1(z); }
double elu_slope(double z) { return z > 0 ? 1 : std::exp(z); }
double square_value(double z) { return z > 0 ? z * z : 0; }
double square_slope(double z) { return z > 0 ? 2 * z : 0; }

// The condition in 25 digits of mpmath's arithmetic, by its own quadrature and root finder. The moments
// are good for 2e-13; a root in q loses 1 / (d sigma_b^2 / dq) of that, a factor of 10 at most here.
constexpr double kTwelveDigits = 2e-12;

TEST(CriticalWeightVarianceTest, AgreesWithArbitraryPrecision) {
  struct Point {
    const char* activation;
    double bias_variance;
    double weight_variance;
  };
  for (const Point& point : {Point{"tanh", 0.01, 1.4242052904885957},
                             {"tanh", 0.05, 1.7609546396067391},
                             {"tanh", 0.3, 2.5051271896797650},
                             {"sigmoid", 0, 103.00755385551932},
                             {"sigmoid", 0.05, 103.12849399082650},
                             {"gelu", 0.3, 1.9561586283194328}}) {
    const auto found = critical_weight_variance(*activation(point.activation), point.bias_variance);
    ASSERT_TRUE(found.has_value()) << point.activation << point.bias_variance;
    EXPECT_NEAR(*found, point.weight_variance, kTwelveDigits * point.weight_variance)
        << point.activation << point.bias_variance;
  }
}

TEST(CriticalWeightVarianceTest, OfErfSolvesItsClosedForms) {
  // E[erf^2] = (2/pi) asin(2q / (1 + 2q)) and E[erf'^2] = (4/pi) / sqrt(1 + 4q), by Williams (1998).
  for (const double bias_variance : {0.001, 0.05, 1.0}) {
    const std::optional<double> found = critical<erf_value, erf_slope>(bias_variance);
    ASSERT_TRUE(found.has_value());
    const double root = 4 / std::numbers::pi * *found;  // sqrt(1 + 4q) where chi_1 = 1
    const double q = (root * root - 1) / 4;
    const double square = 2 / std::numbers::pi * std::asin(2 * q / (1 + 2 * q));
    EXPECT_NEAR(bias_variance + *found * square, q, kTwelveDigits * q) << bias_variance;
  }
  EXPECT_NEAR((critical<erf_value, erf_slope>(0).value()), std::numbers::pi / 4, kTwelveDigits);
}

TEST(CriticalWeightVarianceTest, WithoutBiasesIsOneOverTheSquaredSlopeAtTheOrigin) {
  EXPECT_NEAR(critical_weight_variance(*activation("tanh"), 0).value(), 1, kTwelveDigits);
  EXPECT_NEAR(critical_weight_variance(*activation("linear"), 0).value(), 1, kTwelveDigits);
  EXPECT_NEAR((critical<elu_value, elu_slope>(0).value()), 1, kTwelveDigits);
}

TEST(CriticalWeightVarianceTest, OfRectifiersIsTwoOverOnePlusTheSquareOfTheSlope) {
  EXPECT_NEAR(critical_weight_variance(*activation("relu"), 0).value(), 2, kTwelveDigits);
  EXPECT_NEAR((critical<leaky_value, leaky_slope>(0).value()), 2 / 1.01, kTwelveDigits);
}

TEST(CriticalWeightVarianceTest, IsNoneWhereBiasesMakeALengthGrowForEver) {
  for (const double bias_variance : {1e-9, 0.05, 10.0}) {
    EXPECT_FALSE(critical_weight_variance(*activation("relu"), bias_variance).has_value());
    EXPECT_FALSE(critical_weight_variance(*activation("linear"), bias_variance).has_value());
  }
}

TEST(CriticalWeightVarianceTest, IsNoneForSoftplus) {
  for (const double bias_variance : {0.0, 0.05, 1.0}) {
    EXPECT_FALSE((critical<softplus_value, softplus_slope>(bias_variance).has_value()));
  }
}

TEST(CriticalWeightVarianceTest, IsNoneWhereLengthsLeaveTheFixedPoint) {
  // The critical points of gelu and silu attract lengths from a half-stable one on: (0.17292239,
  // 1.98305826) and (0.55514317, 1.98800468), Roberts, Yaida & Hanin, The Principles of Deep Learning
  // Theory, 2022, section 5.3. There the two lines touch, so sigma_w^2 is known as well as sigma_b^2 is.
  constexpr double kPrinted = 1e-8;
  constexpr double kNear = 1e-6;
  const auto gelu = activation("gelu");
  EXPECT_NEAR(critical_weight_variance(*gelu, 0.17292239 + kNear).value(), 1.98305826,
              kNear + kPrinted);
  EXPECT_FALSE(critical_weight_variance(*gelu, 0.1729).has_value());
  EXPECT_NEAR((critical<silu_value, silu_slope>(0.55514317 + kNear).value()), 1.98800468,
              kNear + kPrinted);
  EXPECT_FALSE((critical<silu_value, silu_slope>(0.555).has_value()));
  EXPECT_FALSE(critical_weight_variance(*gelu, 0).has_value());
  // sigma_b^2 = q / 4, sigma_w^2 = 1 / (2 q), and the length map has the slope 3/2 there.
  EXPECT_FALSE((critical<square_value, square_slope>(0.1).has_value()));
}

TEST(CriticalWeightVarianceTest, LeadsToAFixedPointWhereChiIsOne) {
  for (const double bias_variance : {0.02, 0.05, 0.3, 2.0}) {
    for (const char* name : {"tanh", "sigmoid"}) {
      const auto phi = activation(name);
      const double weight_variance = critical_weight_variance(*phi, bias_variance).value();
      const double q = length_fixed_point(*phi, weight_variance, bias_variance);
      EXPECT_NEAR(weight_variance * phi->moments(q).slope_square, 1, 1e-11)
          << name << bias_variance;
    }
  }
}

}  // namespace
}  // namespace plumbline
