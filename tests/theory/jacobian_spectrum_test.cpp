// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/jacobian_spectrum.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>

#include "engine/theory/unit_functions.hpp"
#include "tests/theory/reference_table.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

std::shared_ptr<const Activation> activation(const std::string& name) {
  return make_plugin(activation_catalogue(), name);
}

constexpr double kSixDecimals = 5.1e-7;

TEST(JacobianSpectrumTest, IsThatOfEveryRowOfTheReference) {
  std::size_t rows = 0;
  for (const ReferenceRow& row : reference_rows("jacobian.csv")) {
    const auto depth = static_cast<std::size_t>(number(row, "L"));
    const auto expect = [&](const char* name, WeightEnsemble weights, const std::string& column) {
      const JacobianSpectrum found = jacobian_spectrum(*activation(name), 0.7, weights, depth);
      EXPECT_NEAR(found.variance, number(row, column + "_var"), 1e-10) << column << depth;
      EXPECT_NEAR(found.largest, number(row, column + "_lmax"), kSixDecimals) << column << depth;
    };
    expect("linear", WeightEnsemble::gaussian, "lin_gauss");
    expect("relu", WeightEnsemble::gaussian, "relu_gauss");
    expect("relu", WeightEnsemble::orthogonal, "relu_orth");
    expect("linear", WeightEnsemble::orthogonal, "lin_orth");
    ++rows;
  }
  EXPECT_EQ(rows, 14U);
}

TEST(JacobianSpectrumTest, OfHardTanhHasTheShareOfItsUnitsThatAreNotSaturated) {
  // p = P(|u| < 1) = erf(1 / sqrt(2q)); orthogonal at L = 1: D alone, whose squares are 0 and 1, so
  // 1/p at most and 1/p - 1 of variance.
  const double q = 0.6;
  const double share = std::erf(1 / std::sqrt(2 * q));
  const JacobianSpectrum one =
      jacobian_spectrum(*activation("hard_tanh"), q, WeightEnsemble::orthogonal, 1);
  EXPECT_NEAR(one.variance, 1 / share - 1, 1e-12);
  EXPECT_NEAR(one.largest, 1 / share, 1e-12);
}

TEST(JacobianSpectrumTest, OfSmoothActivationsHasAVarianceAndNoClosedEdge) {
  const double q = 0.4;
  const auto tanh = activation("tanh");
  const GaussianMoments moments = tanh->moments(q);
  const double ratio = moments.slope_fourth / (moments.slope_square * moments.slope_square);
  const JacobianSpectrum found = jacobian_spectrum(*tanh, q, WeightEnsemble::gaussian, 7);
  EXPECT_NEAR(found.variance, 7 * ratio, 1e-11);
  EXPECT_TRUE(std::isnan(found.largest));
  EXPECT_TRUE(std::isnan(
      jacobian_spectrum(*activation("maxout"), q, WeightEnsemble::gaussian, 7).variance));
}

}  // namespace
}  // namespace plumbline
