// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/gradient_correlation.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/theory/reference_table.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

std::shared_ptr<const Activation> activation(const std::string& name) {
  return make_plugin(activation_catalogue(), name);
}

constexpr int kDigits = 6;

TEST(GradientCorrelationTest, IsThatOfEveryRowOfTheReference) {
  const auto relu = activation("relu");
  constexpr std::size_t kDepth = 100;
  const auto orthogonal = plain_gradient_correlation(*relu, 2, 0, 1, 0, kDepth);
  const auto alike = plain_gradient_correlation(*relu, 2, 0, 1, 0.5, kDepth);
  const auto residual = residual_gradient_correlation(*relu, 2, 0, 1, 1, 0, kDepth);
  const auto plain_norm = batch_norm_gradient_correlation(kDepth);
  const auto centred = residual_batch_norm_gradient_correlation(1, true, kDepth);
  const auto uncentred = residual_batch_norm_gradient_correlation(1, false, kDepth);
  const auto small = residual_batch_norm_gradient_correlation(0.1, true, kDepth);
  std::size_t rows = 0;
  for (const ReferenceRow& row : reference_rows("gradient_correlation.csv")) {
    const auto layer = static_cast<std::size_t>(number(row, "L")) - 1;
    const auto expect = [&](const std::vector<double>& found, const char* column) {
      const double expected = number(row, column);
      EXPECT_NEAR(found.at(layer), expected, half_digit(expected, kDigits)) << column << layer + 1;
    };
    expect(orthogonal, "plain_relu_he_c0_0");
    expect(alike, "plain_relu_he_c0_0.5");
    expect(residual, "resnet_noBN_c0_0");
    expect(plain_norm, "paper_plain_2^-L");
    expect(centred, "resnet_BN_beta1_centred");
    expect(uncentred, "resnet_BN_beta1_uncentred");
    expect(small, "resnet_BN_beta0.1_centred");
    ++rows;
  }
  EXPECT_EQ(rows, 17U);
}

TEST(GradientCorrelationTest, StaysOneForALinearNetAndForEqualInputs) {
  for (const double c : plain_gradient_correlation(*activation("linear"), 1, 0, 1, 0.2, 10)) {
    EXPECT_NEAR(c, 1, 1e-13);
  }
  for (const double c : plain_gradient_correlation(*activation("tanh"), 1.5, 0.05, 0.4, 1, 10)) {
    EXPECT_NEAR(c, 1, 1e-11);
  }
}

TEST(GradientCorrelationTest, IsUndefinedForMaxout) {
  EXPECT_TRUE(plain_gradient_correlation(*activation("maxout"), 1, 0, 1, 0, 3).empty());
}

// Of lengths that square in each layer; 18 sqrt(q) panels a direction would take hours.
TEST(GradientCorrelationTest, IsNotKnownWhereLengthsOutgrowQuadrature) {
  EXPECT_TRUE(plain_gradient_correlation(*activation("relu_squared"), 1.5, 0.05, 2, 0, 10).empty());
  EXPECT_EQ(plain_gradient_correlation(*activation("relu_squared"), 1.5, 0.05, 2, 0, 2).size(), 2U);
  EXPECT_EQ(plain_gradient_correlation(*activation("relu"), 4, 0, 1e6, 0, 10).size(), 10U);
}

}  // namespace
}  // namespace plumbline
