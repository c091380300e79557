// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/mean_field.hpp"

#include <cmath>
#include <limits>

namespace plumbline {

double length_fixed_point(const Activation& activation, double weight_variance,
                          double bias_variance, double q) {
  constexpr double kSettled = 1e-14;
  constexpr int kMostLayers = 100000;
  for (int layer = 0; layer < kMostLayers; ++layer) {
    const double next = bias_variance + weight_variance * activation.mean_square(q);
    if (!std::isfinite(next)) return std::numeric_limits<double>::infinity();
    if (std::abs(next - q) <= kSettled * next) return next;
    q = next;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

namespace {

// The bias variance with which q is a fixed point of chi_1 = 1; below every number where phi' = 0.
double critical_bias_variance(const Activation& activation, double q) {
  const GaussianMoments moments = activation.moments(q);
  return q - moments.square / moments.slope_square;
}

// Whether a length near the fixed point q comes nearer to it from layer to layer: by the slope of the
// length map there, a central difference with an error of about 1e-6.
bool attracts(const Activation& activation, double weight_variance, double q) {
  constexpr double kStep = 1e-3;
  const double change =
      activation.moments(q * (1 + kStep)).square - activation.moments(q * (1 - kStep)).square;
  return std::abs(weight_variance * change / (2 * kStep * q)) < 1;
}

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
  constexpr double kRounding =
      1e-12;  // of q, in the difference that critical_bias_variance() takes
  if (bias_variance == 0) {
    const std::optional<double> at_zero = critical_at_length_zero(activation);
    if (at_zero.has_value()) return at_zero;
  }
  const auto side = [&](double q) {
    const double above = critical_bias_variance(activation, q) - bias_variance;
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
        const bool below = critical_bias_variance(activation, q) < bias_variance;
        (below == (start_side < 0) ? low : high) = q;
      }
      const double weight_variance = 1 / activation.moments(low).slope_square;
      if (attracts(activation, weight_variance, low)) return weight_variance;
    }
    start = end;
    if (end_side != 0) start_side = end_side;
  }
  return std::nullopt;
}

ErrorSignalTheory error_signal_theory(const Activation& activation,
                                      std::span<const TheoryLayer> layers, double input_square) {
  constexpr double kQuantile = 1.959963984540054;  // 97.5 % of a standard normal
  const std::size_t depth = layers.size();
  std::vector<double> chi(depth, 1);
  std::vector<double> spread(depth, 0);  // kappa_l / n_l
  double q = layers[0].bias_variance + layers[0].weight_variance * input_square;
  for (std::size_t l = 0; l + 1 < depth; ++l) {
    const TheoryLayer& above = layers[l + 1];
    const double scale = above.inputs * above.weight_variance;
    const GaussianMoments moments = activation.moments(q);
    const double square = moments.slope_square;
    chi[l] = scale * square;
    spread[l] = activation.gain_spread(moments) / above.inputs;
    q = above.bias_variance + scale * moments.square;
  }
  ErrorSignalTheory theory{std::vector<double>(depth, 1), std::vector<double>(depth, 1),
                           std::vector<double>(depth, 1)};
  double log_mean = 0;
  double log_variance = 0;
  for (std::size_t l = depth - 1; l-- > 0;) {
    theory.rms[l] = theory.rms[l + 1] * std::sqrt(chi[l]);
    log_mean += std::log(chi[l]) - 0.5 * spread[l];
    log_variance += spread[l];
    const double reach = kQuantile * std::sqrt(log_variance);
    theory.low[l] = std::exp(0.5 * (log_mean - reach));
    theory.high[l] = std::exp(0.5 * (log_mean + reach));
  }
  return theory;
}

}  // namespace plumbline
