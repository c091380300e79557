// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/residual_theory.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <numbers>
#include <string>

#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

std::shared_ptr<const Activation> activation(const std::string& name) {
  return make_plugin(activation_catalogue(), name);
}

constexpr double kQuadrature = 1e-12;

TEST(ResidualTheoryTest, DoublesLengthAndGradientABlockForReluAtHesVariance) {
  for (const std::size_t layers : {1U, 2U, 3U}) {
    const ResidualStep step =
        residual_step(*activation("relu"), {.weight_variance = 2, .layers = layers}, 0.7);
    EXPECT_NEAR(step.length, 1.4, kQuadrature);
    EXPECT_NEAR(step.gradient_growth, 2, kQuadrature);
  }
}

TEST(ResidualTheoryTest, StaysBelowEOverAnyDepthWhereTheScaleIsOneOverItsRoot) {
  for (const std::size_t depth : {4U, 50U, 400U}) {
    const auto blocks = static_cast<double>(depth);
    const auto steps = residual_profile(
        *activation("relu"), {.weight_variance = 2, .scale = 1 / std::sqrt(blocks)}, 1, depth);
    double growth = 1;
    for (const ResidualStep& step : steps) growth *= step.gradient_growth;
    EXPECT_NEAR(growth, std::pow(1 + 1 / blocks, blocks), 1e-10);
    EXPECT_NEAR(steps.back().length, growth, 1e-10);
    EXPECT_LT(growth, std::numbers::e);
  }
}

TEST(ResidualTheoryTest, GrowsByErfsClosedFormsWithBiases) {
  // q' = q + beta^2 (sigma_w^2 (2/pi) asin(2q / (1 + 2q)) + sigma_b^2),
  // growth = 1 + beta^2 sigma_w^2 (4/pi) / sqrt(1 + 4q).
  const ResidualBlock block{.weight_variance = 1.5, .bias_variance = 0.1, .scale = 0.5};
  double q = 0.3;
  for (const ResidualStep& step : residual_profile(*activation("erf"), block, q, 6)) {
    const double pi = std::numbers::pi;
    EXPECT_NEAR(step.gradient_growth, 1 + 0.25 * 1.5 * 4 / pi / std::sqrt(1 + 4 * q), kQuadrature);
    q += 0.25 * (1.5 * 2 / pi * std::asin(2 * q / (1 + 2 * q)) + 0.1);
    EXPECT_NEAR(step.length, q, kQuadrature);
  }
}

TEST(ResidualTheoryTest, MultipliesTheSlopesOfTheLayersInABlock) {
  // linear: chi = sigma_w^2 in each of the three layers.
  const ResidualStep step =
      residual_step(*activation("linear"), {.weight_variance = 0.5, .scale = 2, .layers = 3}, 1);
  EXPECT_NEAR(step.gradient_growth, 1 + 4 * 0.125, kQuadrature);
  EXPECT_NEAR(step.length, 1 + 4 * 0.125, kQuadrature);
}

}  // namespace
}  // namespace plumbline
