// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/mean_field.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "engine/theory/edge_of_chaos.hpp"
#include "tests/theory/reference_table.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

std::shared_ptr<const Activation> activation(const std::string& name,
                                             const std::vector<Setting>& settings = {}) {
  return make_plugin(activation_catalogue(), name, settings);
}

MeanFieldPoint point(const std::string& name, double weight_variance, double bias_variance) {
  return mean_field_point(*activation(name), weight_variance, bias_variance);
}

bool is_same(double found, double expected, double tolerance) {
  if (std::isnan(expected)) return std::isnan(found);
  if (std::isinf(expected)) return found == expected;
  return std::abs(found - expected) <= tolerance;
}

// A scale of a slope s is -1 / ln s, so an error e of s is one of xi^2 e / s: where the reference knows chi_c
// to 2e-11, xi_c of 4912 is known to 5e-4, that is to 7 digits.
constexpr double kOfSlopeAtCStar = 2e-11;
constexpr int kDigits = 9;

TEST(MeanFieldPointTest, IsThatOfEveryRowOfTheReference) {
  std::size_t rows = 0;
  for (const ReferenceRow& row : reference_rows("mean_field.csv")) {
    std::string name = row.at("activation");
    double weight_variance = number(row, "sigma_w2");
    if (name == "leaky_relu_0.01") {
      name = "leaky_relu";  // slope 0.01 by default
      if (row.at("sigma_w2") == "1.99980002") weight_variance = 2 / 1.0001;
    }
    if (row.at("sigma_w2") == "0.333333333") weight_variance = 1.0 / 3;
    const MeanFieldPoint found = point(name, weight_variance, number(row, "sigma_b2"));
    const std::string place = name + " (" + row.at("sigma_w2") + ", " + row.at("sigma_b2") + ")";
    const auto expect = [&](double quantity, const char* column, double beside = 0) {
      if (!has(row, column)) return;
      const double expected = number(row, column);
      EXPECT_TRUE(is_same(quantity, expected, half_digit(expected, kDigits) + beside))
          << place << ": " << column << " is " << quantity << " and not " << row.at(column);
    };
    expect(found.q_star, "q_star");
    expect(found.chi_1, "chi_1");
    expect(found.xi_grad, "xi_grad");
    expect(found.c_star, "c_star", 1e-15);  // where it is 0
    expect(found.xi_c, "xi_c", kOfSlopeAtCStar * found.xi_c * found.xi_c);
    ++rows;
  }
  EXPECT_EQ(rows, 59U);
}

TEST(MeanFieldPointTest, IsThatOfSchoenholzsTable) {
  for (const ReferenceRow& row : reference_rows("schoenholz.csv")) {
    const MeanFieldPoint found = point("tanh", number(row, "sigma_w2"), number(row, "sigma_b2"));
    constexpr double kSixDecimals = 5.1e-7;
    EXPECT_NEAR(found.q_star, number(row, "q_star"), kSixDecimals);
    EXPECT_NEAR(found.chi_1, number(row, "chi_1"), kSixDecimals);
    EXPECT_NEAR(found.c_star, number(row, "c_star"), kSixDecimals);
    EXPECT_NEAR(found.xi_grad, number(row, "xi_grad"), half_digit(found.xi_grad, 5));
    EXPECT_NEAR(found.xi_c, number(row, "xi_c"), half_digit(found.xi_c, 5));
  }
}

TEST(MeanFieldPointTest, IsCriticalWhereXiaoAndOthersTrainedTenThousandLayers) {
  // chi_1 is 1.0000002 at (1.05, 2.01e-5), by the reference.
  const MeanFieldPoint found = point("tanh", 1.05, 2.01e-5);
  EXPECT_NEAR(found.chi_1, 1.0000002, 5.1e-8);
  EXPECT_EQ(phase_of(found.chi_1), SignalPhase::critical);
}

TEST(MeanFieldPointTest, HasErfsClosedForms) {
  // (2/pi) asin(2qc / (1 + 2q)) and (4/pi) / sqrt((1 + 2q)^2 - 4 q^2 c^2): Williams 1998.
  constexpr double kExact = 1e-12;
  const MeanFieldPoint without = point("erf", 1.5, 0);
  EXPECT_NEAR(without.q_star, 0.5, kExact);
  EXPECT_NEAR(without.chi_1, 1.5 * 4 / std::numbers::pi / std::sqrt(3.0), kExact);
  EXPECT_NEAR(without.c_star, 0, kExact);
  EXPECT_NEAR(without.chi_c, 1.5 * 4 / std::numbers::pi / 2, kExact);
  for (const double weight_variance : {1.45, 2.0, 6.0, 25.0}) {
    const MeanFieldPoint found = point("erf", weight_variance, 0.05);
    const double q = found.q_star;
    const double c = found.c_star;
    const double scale = 1 + 2 * q;
    const auto map = [&](double at) {
      return weight_variance * 2 / std::numbers::pi * std::asin(2 * q * at / scale) + 0.05;
    };
    EXPECT_NEAR(map(1), q, 10 * kExact * q);
    EXPECT_GT(found.chi_1, 1);
    EXPECT_LT(c, 1);
    EXPECT_NEAR(map(c), c * q, 10 * kExact * q) << weight_variance;
    EXPECT_NEAR(
        found.chi_c,
        weight_variance * 4 / std::numbers::pi / std::sqrt(scale * scale - 4 * q * q * c * c),
        100 * kExact);
    EXPECT_NEAR(
        found.xi_q,
        -1 / std::log(weight_variance * 4 / std::numbers::pi / (scale * std::sqrt(1 + 4 * q))),
        100 * kExact);
  }
}

TEST(MeanFieldPointTest, HasTheClosedFormsOfRectifiersAndLines) {
  constexpr double kExact = 1e-12;
  for (const double weight_variance : {0.3, 1.0, 1.7}) {
    const MeanFieldPoint relu = point("relu", weight_variance, 0.05);
    const double chi = weight_variance / 2;
    EXPECT_NEAR(relu.q_star, 0.05 / (1 - chi), kExact);
    EXPECT_NEAR(relu.chi_1, chi, kExact);
    EXPECT_EQ(relu.c_star, 1);
    for (const double scale : {relu.xi_q, relu.xi_c, relu.xi_grad}) {
      EXPECT_NEAR(scale, -1 / std::log(chi), kExact * scale * scale / chi);
    }
    EXPECT_NEAR(relu.norm_factor, std::sqrt(chi), kExact);
    // One output of two is active, for each unit; the fan-in counts both.
    EXPECT_NEAR(point("crelu", weight_variance, 0.05).chi_1, chi, kExact);
    EXPECT_NEAR(point("prelu", weight_variance, 0.05).chi_1, chi * (1 + 0.0625), kExact);
  }
  EXPECT_NEAR(point("linear", 0.9, 0.05).q_star, 0.5, kExact);
  EXPECT_NEAR(point("maxout", 0.9, 0.05).q_star, 0.5, 1e-11);  // E[max(z1, z2)^2] = 1
  EXPECT_NEAR(point("maxout", 0.9, 0.05).chi_1, 0.9, kExact);
}

TEST(MeanFieldPointTest, OfThreePiecesOfMaxoutTurnsInputsTowardsEachOther) {
  // E[max^2] of three normals is m = 1 + sqrt(3) / (2 pi) (Jones, Biometrika 35, 1948), and the slope of the
  // map of directions at 1 is 1/m.
  const auto phi = activation("maxout", {{"pieces", node(3)}});
  const double m = 1 + std::sqrt(3) / (2 * std::numbers::pi);
  const MeanFieldPoint found = mean_field_point(*phi, 0.5, 0);
  EXPECT_EQ(found.c_star, 1);
  EXPECT_NEAR(found.chi_c, 1 / m, 1e-12);
  EXPECT_NEAR(found.chi_1, 0.5, 1e-12);
  EXPECT_NEAR(found.xi_q, -1 / std::log(0.5 * m), 1e-11);
}

TEST(MeanFieldPointTest, BecomesThatOfALineOnEitherSideWhereLengthsGrow) {
  for (const char* name : {"gelu", "silu", "mish", "softplus", "elu", "selu"}) {
    const double top = name == std::string("selu") ? 1.0507009873554805 : 1;
    const MeanFieldPoint found = point(name, 2.5, 0.3);
    EXPECT_TRUE(std::isinf(found.q_star)) << name;
    EXPECT_NEAR(found.chi_1, 1.25 * top * top, 1e-8) << name;
    EXPECT_EQ(found.c_star, 1) << name;
    EXPECT_TRUE(std::isnan(found.xi_q)) << name;
  }
  EXPECT_TRUE(std::isinf(point("relu_squared", 2.5, 0.3).chi_1));
}

TEST(MeanFieldPointTest, IsANumberOrHasAReasonForEveryActivationOfTheCatalogue) {
  for (const std::string& name : activation_catalogue().names()) {
    for (const auto& [weight_variance, bias_variance] : {std::pair{0.0, 0.0},
                                                         {0.3, 0.0},
                                                         {1.0, 0.0},
                                                         {2.0, 0.0},
                                                         {4.0, 0.0},
                                                         {0.5, 0.05},
                                                         {1.5, 0.05},
                                                         {2.0, 0.3},
                                                         {3.0, 0.3},
                                                         {30.0, 0.3}}) {
      const MeanFieldPoint found = point(name, weight_variance, bias_variance);
      const auto check = [&](const char* quantity, double value) {
        const bool has_reason = std::ranges::any_of(found.undefined, [&](const Undefined& gap) {
          return gap.quantity == quantity && !gap.because.empty();
        });
        EXPECT_EQ(std::isnan(value), has_reason)
            << name << " (" << weight_variance << ", " << bias_variance << ") " << quantity;
      };
      check("q_star", found.q_star);
      check("chi_1", found.chi_1);
      check("chi_c", found.chi_c);
      check("c_star", found.c_star);
      check("xi_q", found.xi_q);
      check("xi_c", found.xi_c);
      check("xi_grad", found.xi_grad);
      check("norm_factor", found.norm_factor);
      if (found.chi_1 > 1 && std::isfinite(found.q_star) && std::isfinite(found.xi_c)) {
        EXPECT_LE(found.chi_c, 1 + 1e-9) << name << " c* is stable";
      }
    }
  }
}

TEST(MeanFieldPointTest, HasScalesWithoutBoundOnTheCriticalLineAlone) {
  for (const auto& [name, bias_variance] :
       {std::pair{"tanh", 0.05}, {"softsign", 0.01}, {"hard_tanh", 0.05}, {"relu", 0.0}}) {
    const auto phi = activation(name);
    const double critical = critical_weight_variance(*phi, bias_variance).value();
    const auto phase = [&](double share) {
      return phase_of(mean_field_point(*phi, share * critical, bias_variance).chi_1);
    };
    EXPECT_EQ(phase(1), SignalPhase::critical) << name;
    EXPECT_EQ(phase(0.99), SignalPhase::ordered) << name;
    EXPECT_EQ(phase(1.01), SignalPhase::chaotic) << name;
  }
}

// V(q) = (3/2) sigma_w^2 q^2 and chi_1 = 2 sigma_w^2 q: from 1 lengths go to 0 or grow, faster than exponentially.
TEST(MeanFieldPointTest, HasChi1ZeroOrInfiniteWhereSlopesFollowTheLength) {
  const MeanFieldPoint small = mean_field_point(*activation("relu_squared"), 0.5, 0);
  EXPECT_EQ(small.q_star, 0);
  EXPECT_EQ(small.chi_1, 0);
  EXPECT_EQ(small.xi_grad, 0);
  const MeanFieldPoint large = mean_field_point(*activation("relu_squared"), 1, 0);
  EXPECT_EQ(large.q_star, HUGE_VAL);
  EXPECT_EQ(large.chi_1, HUGE_VAL);
  EXPECT_EQ(large.xi_grad, 0);
}

TEST(DepthScaleTest, IsMinusOneOverTheLogarithm) {
  EXPECT_DOUBLE_EQ(depth_scale(std::exp(-0.1)), 10);
  EXPECT_DOUBLE_EQ(depth_scale(-std::exp(-0.1)), 10);
  EXPECT_DOUBLE_EQ(depth_scale(std::exp(0.1)), -10);
  EXPECT_TRUE(std::isinf(depth_scale(1 + 1e-13)));
  EXPECT_EQ(depth_scale(0), 0);
  EXPECT_EQ(depth_scale(HUGE_VAL), 0);
  EXPECT_FALSE(std::signbit(depth_scale(HUGE_VAL))) << "a 0 that is written as -0";
}

}  // namespace
}  // namespace plumbline
