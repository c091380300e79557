// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/batch_norm_theory.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <string>

#include "tests/theory/reference_table.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

std::shared_ptr<const Activation> activation(const std::string& name) {
  return make_plugin(activation_catalogue(), name);
}

TEST(BatchNormTheoryTest, IsThatOfEveryRowOfTheReference) {
  constexpr double kSixDecimals = 5.1e-7;
  std::size_t rows = 0;
  for (const ReferenceRow& row : reference_rows("batch_norm_relu.csv")) {
    const double batch = number(row, "batch");
    const BatchNormTheory relu = batch_norm_theory(*activation("relu"), batch).value();
    const BatchNormTheory linear = batch_norm_theory(*activation("linear"), batch).value();
    EXPECT_NEAR(relu.gradient_growth, number(row, "relu_growth_norm2"), kSixDecimals) << batch;
    EXPECT_NEAR(std::sqrt(relu.gradient_growth), number(row, "relu_growth_norm"), kSixDecimals);
    EXPECT_NEAR(relu.correlation, number(row, "relu_c_star"), kSixDecimals) << batch;
    EXPECT_NEAR(linear.gradient_growth, number(row, "linear_growth_norm2"), kSixDecimals) << batch;
    ++rows;
  }
  EXPECT_EQ(rows, 17U);
}

TEST(BatchNormTheoryTest, ComesToItsLimitOfLargeBatches) {
  const auto relu = activation("relu");
  const double infinite =
      batch_norm_theory(*relu, std::numeric_limits<double>::infinity())->gradient_growth;
  EXPECT_NEAR(infinite, std::numbers::pi / (std::numbers::pi - 1), 1e-14);
  // The next order is 1.6 / B.
  EXPECT_NEAR(batch_norm_theory(*relu, 1e6)->gradient_growth, infinite, 2e-6);
}

TEST(BatchNormTheoryTest, IsThereForReluAndLinearAndFourExamplesOrMore) {
  EXPECT_FALSE(batch_norm_theory(*activation("tanh"), 64).has_value());
  EXPECT_FALSE(batch_norm_theory(*activation("leaky_relu"), 64).has_value());
  EXPECT_FALSE(batch_norm_theory(*activation("relu"), 3).has_value());
}

}  // namespace
}  // namespace plumbline
