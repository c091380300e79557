// SPDX-License-Identifier: Apache-2.0
// What `plumbline theory --plot` hands over to be drawn.
#include "experiments/runner/commands/phase_diagram.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "engine/theory/mean_field.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

// Lengths of the plane's table are h = ln(1e8) / 320 = 0.058 apart in ln q. Between two of them a line errs by
// h^2 / 8 of the second derivative of E[phi'^2] by ln q, and the fixed point by as much: some 4e-4 each for
// functions that vary by their own size over ln q = 1.
constexpr double kInterpolation = 1e-3;

PhaseDiagram diagram(const std::string& activation, double weight_variance, double bias_variance) {
  return phase_diagram(*make_plugin(activation_catalogue(), activation), activation,
                       weight_variance, bias_variance);
}

TEST(PhaseDiagram, ThePlaneHasTheChi1ThatFixedPointsHave) {
  for (const std::string name : {"tanh", "erf", "sigmoid", "gelu"}) {
    const auto activation = make_plugin(activation_catalogue(), name);
    const PhaseDiagram::Plane plane = diagram(name, 1.5, 0.05).plane;
    int compared = 0;
    for (std::size_t row = 8; row < plane.bias_variances.size(); row += 24) {
      for (std::size_t column = 20; column < plane.weight_variances.size(); column += 20) {
        const MeanFieldPoint point = mean_field_point(*activation, plane.weight_variances[column],
                                                      plane.bias_variances[row]);
        if (!std::isfinite(point.q_star) || point.q_star > 1e3) continue;
        EXPECT_NEAR(plane.chi_1[row][column], point.chi_1, kInterpolation * point.chi_1)
            << name << " at " << plane.weight_variances[column] << ", "
            << plane.bias_variances[row];
        ++compared;
      }
    }
    EXPECT_GE(compared, 12) << name;
  }
}

TEST(PhaseDiagram, ThePlaneOfReluIsHalfTheWeightVarianceEverywhere) {
  const PhaseDiagram::Plane plane = diagram("relu", 1.5, 0.05).plane;
  for (const auto& row : plane.chi_1) {
    ASSERT_EQ(row.size(), plane.weight_variances.size());
    for (std::size_t k = 0; k < row.size(); ++k) {
      EXPECT_NEAR(row[k], plane.weight_variances[k] / 2, 1e-14);
    }
  }
}

TEST(PhaseDiagram, WhereGelusLengthsGrowWithoutEndItIsAsChaoticAsRelu) {
  const PhaseDiagram::Plane plane = diagram("gelu", 3, 0.05).plane;
  const double weight_variance = plane.weight_variances.back();
  ASSERT_GT(weight_variance, 3);
  // At length 1000, for which longer ones stand, gelu and relu differ near 0 alone: over some 1 of 30.
  EXPECT_NEAR(plane.chi_1.front().back(), weight_variance / 2, 0.03 * weight_variance / 2);
}

// The table's lengths put a jump where one of them ceases to grow: within 1 % of its weight variance, as V(q) / q is
// flat there.
constexpr double kOfAJump = 0.01;

TEST(PhaseDiagram, WhereLengthsLeaveAFixedPointForNoneChi1JumpsAcrossOne) {
  const auto gelu = make_plugin(activation_catalogue(), "gelu");
  const PhaseDiagram shown = diagram("gelu", 1.5, 0.05);
  ASSERT_EQ(shown.jumps.size(), 1U);
  const std::vector<PhasePoint>& jumps = shown.jumps.front();
  ASSERT_GT(jumps.size(), 50U);
  for (std::size_t k = 0; k < jumps.size(); k += 10) {
    const auto chi_1 = [&](double share) {
      return mean_field_point(*gelu, share * jumps[k].weight_variance, jumps[k].bias_variance)
          .chi_1;
    };
    EXPECT_LT(chi_1(1 - kOfAJump), 1) << k;
    EXPECT_GT(chi_1(1 + kOfAJump), 1) << k;
  }
  // From there on the critical line goes on.
  const auto critical = std::ranges::find_if(
      shown.lines, [](const PhaseDiagram::Line& line) { return std::isinf(line.xi); });
  const PhasePoint& begin = critical->pieces.front().front();
  EXPECT_NEAR(jumps.back().bias_variance, begin.bias_variance, 0.01);
  EXPECT_NEAR(jumps.back().weight_variance, begin.weight_variance, 0.03);
}

TEST(PhaseDiagram, HasNoJumpsWhereTheCriticalLineParts) {
  for (const char* name : {"tanh", "relu", "selu", "sigmoid", "softplus"}) {
    EXPECT_TRUE(diagram(name, 1.5, 0.05).jumps.empty()) << name;
  }
}

TEST(PhaseDiagram, ThePlaneCoversWhatIsShownAndThePointLiesInIt) {
  const PhaseDiagram shown = diagram("tanh", 9, 2);
  EXPECT_EQ(shown.plane.weight_variances.front(), 0);
  EXPECT_DOUBLE_EQ(shown.plane.weight_variances.back(), shown.most_weight_variance);
  EXPECT_DOUBLE_EQ(shown.plane.bias_variances.back(), shown.most_bias_variance);
  EXPECT_GT(shown.most_weight_variance, 9);
  EXPECT_GT(shown.most_bias_variance, 2);
}

}  // namespace
}  // namespace plumbline
