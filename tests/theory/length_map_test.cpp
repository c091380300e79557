// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/length_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "tests/oracle/naive_activation.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

// What the header promises of the quadrature, with room for rounding.
constexpr double kQuadrature = 2e-13;

std::shared_ptr<const Activation> activation(const std::string& name) {
  return make_plugin(activation_catalogue(), name);
}

// All analytic in a strip about the real line, of half width 1 at least.
constexpr auto kSmooth = std::to_array<const char*>(
    {"linear", "sigmoid", "tanh", "lecun_tanh", "arctan", "erf", "softplus", "gelu", "gelu_tanh",
     "silu", "mish", "sine", "gaussian", "squareplus"});

// E[f(z)], z standard normal, by the trapezoidal rule: for functions analytic in a strip of half
// width d it errs by exp(-2 pi d / h), and arctan(sqrt(q) z) has d = 1 / sqrt q, so at q = 100 by
// e^-62.
template <class Function>
double trapezoid_mean(const Function& f) {
  constexpr double kStep = 0.01;
  double sum = 0;
  for (int i = -1200; i <= 1200; ++i) {
    const double z = kStep * i;
    sum += kStep * std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi) * f(z);
  }
  return sum;
}

double naive_mean_square(const std::string& name, double q) {
  const auto phi = oracle::naive_function(name);
  return trapezoid_mean([&](double z) { return std::pow(phi.value(std::sqrt(q) * z), 2); });
}
double naive_slope_power(const std::string& name, double q, int power) {
  const auto phi = oracle::naive_function(name);
  return trapezoid_mean([&](double z) { return std::pow(phi.slope(std::sqrt(q) * z), power); });
}

// The largest relative error of the two integrals over the smooth activations.
double largest_quadrature_error(const std::vector<double>& lengths) {
  double most = 0;
  for (const char* name : kSmooth) {
    for (const double q : lengths) {
      const double value = naive_mean_square(name, q);
      const double slope = naive_slope_power(name, q, 2);
      most = std::max({most, std::abs((*activation(name)).moments(q).square / value - 1),
                       std::abs((*activation(name)).moments(q).slope_square / slope - 1)});
    }
  }
  return most;
}

TEST(MeanSquareTest, IsTheIntegralThatTheTrapezoidalRuleGives) {
  EXPECT_LE(largest_quadrature_error({1e-6, 0.01, 0.3, 1.0, 4.0}), kQuadrature);
}

TEST(MeanSquareTest, IsTheIntegralUpToLengthsOfAHundred) {
  EXPECT_LE(largest_quadrature_error({10.0, 25.0, 100.0}), kQuadrature);
}

TEST(MeanSquareTest, HasItsClosedFormsForLinearAndRelu) {
  for (const double q : {1e-12, 0.3, 1.0, 100.0}) {
    EXPECT_NEAR((*activation("linear")).moments(q).square, q, kQuadrature * q);
    EXPECT_NEAR((*activation("linear")).moments(q).slope_square, 1, kQuadrature);
    EXPECT_NEAR((*activation("relu")).moments(q).square, q / 2, kQuadrature * q);
    EXPECT_NEAR((*activation("relu")).moments(q).slope_square, 0.5, kQuadrature);
  }
}

TEST(LengthFixedPointTest, IsReachedFromBothSides) {
  const auto phi = activation("tanh");
  const double from_below = length_fixed_point(*phi, 2.5, 0.05, 0.01);
  const double from_above = length_fixed_point(*phi, 2.5, 0.05, 30);
  // Both stop where a layer moves q by 1e-14; the map contracts by 0.55 a layer at this point.
  EXPECT_NEAR(from_below, from_above, 1e-13);
}

TEST(LengthFixedPointTest, IsInfiniteWhereTheLengthGrowsWithoutBound) {
  EXPECT_TRUE(std::isinf(length_fixed_point(*activation("relu"), 2.2, 0)));
  EXPECT_TRUE(std::isinf(length_fixed_point(*activation("linear"), 1.5, 0.05)));
}

TEST(LengthFixedPointTest, IsZeroWhereTheLengthFallsForEver) {
  // At (1, 0) q falls as 1 / (2 l); gelu's halves and more.
  EXPECT_EQ(length_fixed_point(*activation("tanh"), 1, 0), 0);
  EXPECT_EQ(length_fixed_point(*activation("tanh"), 0.5, 0), 0);
  EXPECT_EQ(length_fixed_point(*activation("gelu"), 1.5, 0), 0);
}

TEST(LengthFixedPointTest, IsFoundWhereLengthsMoveByAMillionthALayer) {
  // tanh(u)^2 = u^2 - 2/3 u^4 + 17/45 u^6 - ...: q = sigma_w^2 (q - 2 q^2 + 17/3 q^3 - ...) near 1.
  constexpr double kAbove = 1e-6;
  const double q = length_fixed_point(*activation("tanh"), 1 + kAbove, 0);
  EXPECT_NEAR(q, kAbove / 2, 1e-5 * kAbove);
  // relu within 1e-9 of its critical line has the closed form q* = sigma_b^2 / (1 - sigma_w^2 / 2).
  EXPECT_NEAR(length_fixed_point(*activation("relu"), 2 - 2e-9, 0.05), 0.05e9, 0.05e9 * 1e-3);
}

TEST(LengthFixedPointTest, IsThatOfErfsClosedForm) {
  // q* = 1/2 at (1.5, 0): (2/pi) asin(2q / (1 + 2q)) is (2/pi) asin(1/2) = 1/3 there.
  EXPECT_NEAR(length_fixed_point(*activation("erf"), 1.5, 0), 0.5, 1e-12);
}

TEST(LengthFixedPointTest, IsInfiniteWhereACurvedActivationBecomesALine) {
  for (const char* name : {"gelu", "silu", "softplus", "elu", "relu_squared"}) {
    EXPECT_TRUE(std::isinf(length_fixed_point(*activation(name), 2.5, 0.3))) << name;
  }
}

TEST(LengthFixedPointTest, StaysWhereEveryLengthStays) {
  EXPECT_EQ(length_fixed_point(*activation("relu"), 2, 0, 0.7), 0.7);
}

TEST(LengthMapSlopeTest, IsTheClosedFormForErfAndRectifiers) {
  // d/dq (2/pi) asin(2q / (1 + 2q)) = (4/pi) / ((1 + 2q) sqrt(1 + 4q)).
  for (const double q : {1e-6, 0.3, 4.0, 50.0}) {
    const double slope = 4 / std::numbers::pi / ((1 + 2 * q) * std::sqrt(1 + 4 * q));
    EXPECT_NEAR(length_map_slope(*activation("erf"), 1.5, q), 1.5 * slope,
                kQuadrature * 10 * slope);
  }
  EXPECT_NEAR(length_map_slope(*activation("relu"), 1.5, 2), 0.75, kQuadrature);
  EXPECT_NEAR(length_map_slope(*activation("crelu"), 1.5, 2), 0.75, kQuadrature);
  EXPECT_NEAR(length_map_slope(*activation("prelu"), 1.5, 2), 0.75 * 1.0625, kQuadrature);
  EXPECT_NEAR(length_map_slope(*activation("maxout"), 1.5, 2), 1.5, 10 * kQuadrature);
}

TEST(LengthMapSlopeTest, IsTheFormWithTheSecondDerivativeWherePhiIsSmooth) {
  // chi_1 + sigma_w^2 E[phi'' phi], by Stein's identity; the engine's form has no phi''.
  for (const char* name : kSmooth) {
    const auto phi = activation(name);
    const auto* one = dynamic_cast<const ElementwiseActivation*>(phi.get());
    ASSERT_NE(one, nullptr);
    for (const double q : {0.05, 0.7, 3.0}) {
      const double by_curvature =
          naive_slope_power(name, q, 2) + trapezoid_mean([&](double z) {
            return one->curvature(std::sqrt(q) * z) * one->value(std::sqrt(q) * z);
          });
      EXPECT_NEAR(length_map_slope(*phi, 1, q), by_curvature, 1e-12) << name << q;
    }
  }
}

// The factor of the gradient's norm a layer, 50 layers from q = 1, without biases: the table of the
// project's theory page, rounded as it is printed.
TEST(LengthMapTest, HasTheFactorsOfTheTableAfterFiftyLayers) {
  struct Row {
    const char* activation;
    double weight_variance;
    double chi;
    double half_digit;
  };
  for (const Row& row :
       {Row{"sigmoid", 1, 0.0557, 5e-5}, Row{"sigmoid", 2, 0.1010, 5e-5},
        Row{"tanh", 1, 0.980, 5e-4}, Row{"tanh", 2, 1.1055, 5e-5}, Row{"relu", 1, 0.5, 1e-12},
        Row{"relu", 2, 1, 1e-12}, Row{"gelu", 1, 0.25, 5e-3}, Row{"gelu", 2, 0.50, 5e-3}}) {
    const auto phi = activation(row.activation);
    double q = 1;
    for (int layer = 0; layer < 50; ++layer) q = row.weight_variance * (*phi).moments(q).square;
    EXPECT_NEAR(row.weight_variance * (*phi).moments(q).slope_square, row.chi, row.half_digit)
        << row.activation << " at " << row.weight_variance;
  }
}

}  // namespace
}  // namespace plumbline
