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
    const double next = bias_variance + weight_variance * activation.moments(q).square;
    if (!std::isfinite(next)) return std::numeric_limits<double>::infinity();
    if (std::abs(next - q) <= kSettled * next) return next;
    q = next;
  }
  return std::numeric_limits<double>::quiet_NaN();
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
    spread[l] = (3 * moments.slope_fourth / (square * square) - 1) / above.inputs;
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
