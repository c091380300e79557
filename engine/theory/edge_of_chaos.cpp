// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/edge_of_chaos.hpp"

#include <cmath>

#include "engine/theory/unit_functions.hpp"

namespace plumbline {

PhasePoint point_of_chi(const Activation& activation, double chi_1, double q) {
  const GaussianMoments moments = activation.moments(q);
  const double weight_variance = chi_1 / moments.slope_square;
  return {weight_variance, q - weight_variance * moments.square, q};
}

// By the slope of the length map, a central difference with an error of about 1e-6.
bool attracts(const Activation& activation, const PhasePoint& point) {
  constexpr double kStep = 1e-3;
  const double q = point.q;
  const double change =
      activation.mean_square(q * (1 + kStep)) - activation.mean_square(q * (1 - kStep));
  return std::abs(point.weight_variance * change / (2 * kStep * q)) < 1;
}

namespace {

// The point of q* = 0: there phi(0) = 0, so lengths stay 0 without biases, and short ones don't grow.
// Where phi has a kink at 0, phi' is met from both sides.
std::optional<double> critical_at_length_zero(const Activation& activation) {
  constexpr double kZero = 1e-24;
  constexpr double kShort = 1e-4;
  constexpr double kRounding = 1e-9;
  const GaussianMoments at_zero = activation.moments(kZero);
  const double weight_variance = 1 / at_zero.slope_square;
  const bool stays = std::abs(weight_variance * at_zero.square - kZero) <= kRounding * kZero;
  const double next = weight_variance * activation.moments(kShort).square;
  if (stays && next <= kShort * (1 + kRounding)) return weight_variance;
  return std::nullopt;
}

}  // namespace

std::optional<double> critical_weight_variance(const Activation& activation, double bias_variance) {
  constexpr double kLeast = 1e-4;  // shorter lengths belong to q* = 0, or to a tiny bias variance
  constexpr double kMost = 1e4;    // what the moments are good for
  constexpr double kStep = 1.25;
  constexpr double kRounding = 1e-12;  // of q, in the difference that point_of_chi() takes
  if (bias_variance == 0) {
    const std::optional<double> at_zero = critical_at_length_zero(activation);
    if (at_zero.has_value()) return at_zero;
  }
  if (const auto gain = length_gain(activation); gain && bias_variance > 0) {
    // sigma_b^2(q) = q (1 - E[a^2] / (q E[J^2])), which is not above 0 for rectifiers.
    const double slope_square = activation.moments(1).slope_square;
    if (*gain >= slope_square * (1 - kRounding)) return std::nullopt;
    return 1 / slope_square;
  }
  const std::vector<UnitFunction> outputs = unit_functions(activation);
  // The sign alone, and without E[phi'^4]: most of the time goes into long q that have no point.
  const auto side = [&](double q) {
    double ratio = 0;  // E[phi^2] / E[phi'^2]
    if (outputs.size() == 1) {
      const UnitFunction& phi = outputs[0];
      ratio = quick_mean_square(activation, q) /
              phi.mean(q, [&](double u) { return phi.slope(u) * phi.slope(u); });
    } else {
      const GaussianMoments moments = activation.moments(q);
      ratio = moments.square / moments.slope_square;
    }
    const double above = q - ratio - bias_variance;
    return std::abs(above) <= kRounding * q ? 0 : above > 0 ? 1 : -1;
  };
  // q is at least sigma_b^2 on the curve, as E[phi^2] is not negative.
  double start = bias_variance > 0 ? bias_variance : kLeast;
  int start_side = side(start);
  while (start < kMost) {
    const double end = start * kStep;
    const int end_side = side(end);
    if (start_side * end_side < 0) {
      double low = start;
      double high = end;
      for (double q = (low + high) / 2; low < q && q < high; q = (low + high) / 2) {
        const bool below = point_of_chi(activation, 1, q).bias_variance < bias_variance;
        (below == (start_side < 0) ? low : high) = q;
      }
      const PhasePoint point = point_of_chi(activation, 1, low);
      if (attracts(activation, point)) return point.weight_variance;
    }
    start = end;
    if (end_side != 0) start_side = end_side;
  }
  return std::nullopt;
}

}  // namespace plumbline
