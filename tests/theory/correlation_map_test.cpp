// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/correlation_map.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "engine/theory/mean_field.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

// What the header promises.
constexpr double kQuadrature = 1e-12;

std::shared_ptr<const Activation> activation(const std::string& name) {
  return make_plugin(activation_catalogue(), name);
}

UnitFunction function_of(const Activation& phi) { return unit_functions(phi).at(0); }

// Mehler's formula: E[f(u1) f(u2)] = sum_n a_n^2 c^n with a_n = E[f(sqrt(q) z) h_n(z)], h_n the Hermite
// polynomials of unit variance. By the
// trapezoidal rule, which errs by exp(-2 pi d / h) for f analytic in a strip of half width d. Cut at n = 300, where c^n is below 1e-13 for the c here.
constexpr int kTerms = 300;

class HermiteSeries {
 public:
  template <class Function>
  HermiteSeries(const Function& f, double q) {
    constexpr double kStep = 0.02;  // d is 0.5 and more here
    for (double z = -13; z <= 13; z += kStep) {
      const double weight = kStep * std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
      const double value = weight * f(std::sqrt(q) * z);
      double before = 0;
      double h = 1;
      for (int n = 0; n < kTerms; ++n) {
        coefficients_[static_cast<std::size_t>(n)] += value * h;
        const double next = (z * h - std::sqrt(n) * before) / std::sqrt(n + 1);
        before = h;
        h = next;
      }
    }
  }
  double at(double c) const {
    double sum = 0;
    double power = 1;
    for (const double a : coefficients_) {
      sum += a * a * power;
      power *= c;
    }
    return sum;
  }

 private:
  std::vector<double> coefficients_ = std::vector<double>(kTerms, 0.0);
};

TEST(PairMeansTest, AgreeWithTheHermiteSeriesForSmoothActivations) {
  for (const char* name : {"tanh", "sigmoid", "gelu", "silu", "erf", "arctan", "softplus", "mish",
                           "sine", "gaussian", "squareplus", "lecun_tanh", "gelu_tanh"}) {
    const auto phi = activation(name);
    const UnitFunction one = function_of(*phi);
    for (const double q : {0.1, 1.0, 4.0}) {
      const double most = phi->moments(q).square;
      const double most_slope = phi->moments(q).slope_square;
      const HermiteSeries of_value(one.value, q);
      const HermiteSeries of_slope(one.slope, q);
      for (const double c : {-0.9, -0.4, 0.0, 0.3, 0.9}) {
        const PairMeans means = pair_means_by_quadrature(one, q, c);
        EXPECT_NEAR(means.product, of_value.at(c), kQuadrature * most) << name << q << ' ' << c;
        EXPECT_NEAR(means.slope_product, of_slope.at(c), kQuadrature * most_slope)
            << name << q << ' ' << c;
      }
    }
  }
}

TEST(PairMeansTest, HaveErfsClosedFormsAtAnyCorrelation) {
  const auto phi = activation("erf");
  const double pi = std::numbers::pi;
  for (const double q : {1e-4, 0.5, 3.0, 60.0}) {
    for (const double c : {-1.0, -0.99, 0.5, 0.99, 0.999999, 1.0}) {
      const PairMeans means = pair_means(*phi, q, c).value();
      const double scale = 1 + 2 * q;
      const double most = 2 / pi * std::asin(2 * q / scale);
      EXPECT_NEAR(means.product, 2 / pi * std::asin(2 * q * c / scale), kQuadrature * most);
      const double slope = 4 / pi / std::sqrt((scale - 2 * q * c) * (scale + 2 * q * c));
      EXPECT_NEAR(means.slope_product, slope, kQuadrature * 4 / pi / std::sqrt(1 + 4 * q))
          << q << ' ' << c;
    }
  }
}

TEST(PairMeansTest, OfKinkedActivationsAgreeWithTheRectifiersClosedForm) {
  for (const char* name : {"relu", "leaky_relu", "linear"}) {
    const auto phi = activation(name);
    const UnitFunction one = function_of(*phi);
    for (const double q : {0.01, 1.0, 9.0}) {
      for (const double c : {-1.0, -0.999, -0.3, 0.0, 1e-6, 0.5, 0.99, 0.9999999, 1.0}) {
        const PairMeans exact = pair_means(*phi, q, c).value();
        const PairMeans means = pair_means_by_quadrature(one, q, c);
        EXPECT_NEAR(means.product, exact.product, kQuadrature * q) << name << q << ' ' << c;
        EXPECT_NEAR(means.slope_product, exact.slope_product, kQuadrature) << name << q << ' ' << c;
      }
    }
  }
  // The closed form is no quadrature: at c = 0 it is 1 / (2 pi) and 1/4, at c = 1/2 the slopes' is 1/3.
  const auto relu = activation("relu");
  EXPECT_NEAR(pair_means(*relu, 1, 0)->product, 1 / (2 * std::numbers::pi), 1e-15);
  EXPECT_NEAR(pair_means(*relu, 1, 0)->slope_product, 0.25, 1e-15);
  EXPECT_NEAR(pair_means(*relu, 1, 0.5)->slope_product, 1.0 / 3, 1e-15);
}

TEST(PairMeansTest, OfEveryActivationAreItsMomentsAtOne) {
  for (const std::string& name : activation_catalogue().names()) {
    const auto phi = activation(name);
    for (const double q : {0.05, 1.0, 5.0}) {
      const auto means = pair_means(*phi, q, 1);
      EXPECT_EQ(means.has_value(), name != "maxout") << name;
      if (!means) continue;
      const GaussianMoments moments = phi->moments(q);
      EXPECT_NEAR(means->product, moments.square, kQuadrature * moments.square) << name << q;
      EXPECT_NEAR(means->slope_product, moments.slope_square, kQuadrature * moments.slope_square)
          << name << q;
    }
  }
}

TEST(PairMeansTest, OfEveryActivationHaveTheSlopesProductAsTheirDerivative) {
  // Price's theorem: d/dc E[phi(u1) phi(u2)] = q E[phi'(u1) phi'(u2)]. Four-point differences.
  constexpr double kStep = 1e-3;
  for (const std::string& name : activation_catalogue().names()) {
    const auto phi = activation(name);
    if (name == "maxout") continue;
    for (const double c : {-0.5, 0.2, 0.8}) {
      const auto at = [&](double offset) { return pair_means(*phi, 0.8, c + offset)->product; };
      const double derivative =
          (8 * (at(kStep) - at(-kStep)) - (at(2 * kStep) - at(-2 * kStep))) / (12 * kStep);
      const double slopes = 0.8 * pair_means(*phi, 0.8, c)->slope_product;
      EXPECT_NEAR(slopes, derivative, 1e-9 * phi->moments(0.8).slope_square) << name << c;
    }
  }
}

TEST(CorrelationFixedPointTest, IsTheFirstPointThatTheMapKeepsAndAttracts) {
  struct Point {
    const char* activation;
    double weight_variance;
    double bias_variance;
  };
  for (const auto& [name, weight_variance, bias_variance] : {Point{"tanh", 1.77, 0.05},
                                                             {"tanh", 6, 0.05},
                                                             {"selu", 1, 0.05},
                                                             {"elu", 1.5, 0},
                                                             {"hard_tanh", 2.5, 0.05},
                                                             {"softsign", 6, 0.05},
                                                             {"arctan", 3, 0.01}}) {
    const auto phi = activation(name);
    const MeanFieldPoint point = mean_field_point(*phi, weight_variance, bias_variance);
    ASSERT_GT(point.chi_1, 1) << name;
    ASSERT_LT(point.c_star, 1) << name;
    const auto map = [&](double c) {
      return correlation_map(*pair_means(*phi, point.q_star, c), weight_variance, bias_variance,
                             point.q_star);
    };
    // The map is good for 1e-12, and a fixed point for so much over 1 - chi_c.
    EXPECT_NEAR(map(point.c_star), point.c_star, kQuadrature) << name;
    EXPECT_LT(point.chi_c, 1) << name;
    for (const double share : {0.0, 0.3, 0.6, 0.9, 0.99}) {
      EXPECT_GT(map(share * point.c_star), share * point.c_star) << name << share;
    }
  }
}

}  // namespace
}  // namespace plumbline
