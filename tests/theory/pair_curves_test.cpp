// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/pair_curves.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "engine/theory/correlation_map.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

// phi'^2 in the place of phi, so that its mean product is E[phi'(u1)^2 phi'(u2)^2].
UnitFunction slope_square(const ElementwiseActivation& phi) {
  return {[&phi](double z) { return phi.slope(z) * phi.slope(z); }, [](double) { return 0.0; },
          phi.kinks(), phi.scale()};
}

// The largest difference from the quadrature over lengths and correlations, as a share of the means at c = 1.
double worst_error(const std::string& name) {
  const auto made = make_plugin(activation_catalogue(), name);
  const auto& phi = dynamic_cast<const ElementwiseActivation&>(*made);
  const UnitFunction one = unit_functions(phi).at(0);
  const UnitFunction square = slope_square(phi);
  PairCurves curves(phi);
  double worst = 0;
  for (const double q : {0.01, 0.3, 1.0, 4.0}) {
    const GaussianMoments moments = phi.moments(q);
    curves.set_length(q, moments);
    for (const double c : {-0.8, 0.0, 0.3, 0.7, 0.9, 1.0}) {
      const PairCurves::Means found = curves.at(c);
      const PairMeans exact = pair_means_by_quadrature(one, q, c);
      const double squares = pair_means_by_quadrature(square, q, c).product;
      for (const double error : {(found.product - exact.product) / moments.square,
                                 (found.slope_product - exact.slope_product) / moments.slope_square,
                                 (found.square_product - squares) / moments.slope_fourth}) {
        worst = std::fmax(worst, std::abs(error));
      }
    }
  }
  return worst;
}

// Cut at order 13, a smooth phi errs most at c near 1, by the share of E[f^2] beyond it.
constexpr double kPromised = 0.035;

TEST(PairCurvesTest, AreThoseOfTheQuadratureForSmoothActivations) {
  for (const char* name :
       {"tanh", "sigmoid", "gelu", "silu", "softplus", "arctan", "erf", "mish"}) {
    EXPECT_LT(worst_error(name), kPromised) << name;
  }
}

// Of a jump a_k^2 falls as k^-3/2 only: near c = 1 what is beyond order 13 is a tenth and more.
constexpr double kOfJumps = 0.16;

TEST(PairCurvesTest, ComeNearThoseOfActivationsWithKinks) {
  for (const char* name : {"elu", "selu", "hard_tanh", "hard_sigmoid", "softsign", "celu"}) {
    EXPECT_LT(worst_error(name), kOfJumps) << name;
  }
}

TEST(PairCurvesTest, AreExactForRectifiers) {
  constexpr double kQuadrature =
      1e-10;  // kinks of both factors; correlation_map.hpp promises 1e-12 of smooth ones
  for (const char* name : {"relu", "leaky_relu", "linear"}) {
    EXPECT_LT(worst_error(name), kQuadrature) << name;
  }
}

TEST(PairCurvesTest, AreTheMomentsAtCorrelationOneHoweverNarrowTheSlopeIs) {
  const auto made = make_plugin(activation_catalogue(), "tanh");
  const auto& phi = dynamic_cast<const ElementwiseActivation&>(*made);
  PairCurves curves(phi);
  for (const double q : {1.0, 100.0, 9000.0}) {
    const GaussianMoments moments = phi.moments(q);
    curves.set_length(q, moments);
    const PairCurves::Means at_one = curves.at(1);
    constexpr double kRounding = 1e-14;
    EXPECT_NEAR(at_one.product, moments.square, kRounding * moments.square);
    EXPECT_NEAR(at_one.slope_product, moments.slope_square, kRounding * moments.slope_square);
    EXPECT_NEAR(at_one.square_product, moments.slope_fourth, kRounding * moments.slope_fourth);
    EXPECT_LE(curves.at(0.5).square_product, moments.slope_fourth);
  }
}

}  // namespace
}  // namespace plumbline
