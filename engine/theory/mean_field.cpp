// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/mean_field.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace plumbline {

namespace {

struct Node {
  double position = 0;
  double weight = 0;
};

// Gauss-Legendre on [-1, 1]: roots of the Legendre polynomial P_n by Newton's method from
// Tricomi's estimate, weights 2 / ((1 - x^2) P_n'(x)^2).
template <std::size_t n>
std::array<Node, n> gauss_legendre() {
  std::array<Node, n> nodes;
  for (std::size_t i = 0; i < n; ++i) {
    double x = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (n + 0.5));
    double slope = 0;
    for (int iteration = 0; iteration < 20; ++iteration) {
      double before = 1;
      double p = x;
      for (std::size_t k = 2; k <= n; ++k) {
        const auto order = static_cast<double>(k);
        const double next = ((2 * order - 1) * x * p - (order - 1) * before) / order;
        before = p;
        p = next;
      }
      slope = n * (x * p - before) / (x * x - 1);
      x -= p / slope;
    }
    nodes[i] = {x, 2 / ((1 - x * x) * slope * slope)};
  }
  return nodes;
}

// The mean of function(sqrt(q) z) over a standard normal z: 16 points in each panel from -10 to 10,
// whose tails hold 1.5e-23. A panel is at most 1/2 wide in z and in sqrt(q) z, as functions vary on
// the scale of 1; one ends at 0, where activations have their kinks.
template <class Function>
double normal_mean(double q, const Function& function) {
  static const std::array<Node, 16> kNodes = gauss_legendre<16>();
  constexpr int kReach = 10;
  if (!std::isfinite(q)) return std::numeric_limits<double>::quiet_NaN();
  const double deviation = std::sqrt(q);
  constexpr double kFinest = 100;  // beyond q = 10^4 an activation is its two asymptotes
  const int panels_per_unit = 2 * static_cast<int>(std::ceil(std::clamp(deviation, 1.0, kFinest)));
  const double width = 1.0 / panels_per_unit;
  double sum = 0;
  for (int panel = -kReach * panels_per_unit; panel < kReach * panels_per_unit; ++panel) {
    for (const Node& node : kNodes) {
      const double z = width * (panel + 0.5 * (node.position + 1));
      const double density =
          std::exp(-0.5 * z * z) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
      sum += 0.5 * width * node.weight * density * function(deviation * z);
    }
  }
  return sum;
}

}  // namespace

double mean_square(const Activation& activation, double q) {
  return normal_mean(q, [&](double h) {
    const double value = activation.value(h);
    return value * value;
  });
}

double mean_square_slope(const Activation& activation, double q) {
  return normal_mean(q, [&](double h) {
    const double slope = activation.slope(h);
    return slope * slope;
  });
}

double length_fixed_point(const Activation& activation, double weight_variance,
                          double bias_variance, double q) {
  constexpr double kSettled = 1e-14;
  constexpr int kMostLayers = 100000;
  for (int layer = 0; layer < kMostLayers; ++layer) {
    const double next = bias_variance + weight_variance * mean_square(activation, q);
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
    const double square = mean_square_slope(activation, q);
    const double fourth =
        normal_mean(q, [&](double h) { return std::pow(activation.slope(h), 4); });
    chi[l] = scale * square;
    spread[l] = (3 * fourth / (square * square) - 1) / above.inputs;
    q = above.bias_variance + scale * mean_square(activation, q);
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
