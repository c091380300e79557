// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/gradient_correlation.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "engine/theory/correlation_map.hpp"
#include "engine/theory/unit_functions.hpp"

namespace plumbline {

namespace {

// Both kinds of net: x_{l+1} = skip x_l + W phi(x_l) + b, variances as given.
std::vector<double> gradient_correlation(const Activation& activation, double skip,
                                         double weight_variance, double bias_variance, double q,
                                         double c, std::size_t depth) {
  std::vector<double> correlations;
  constexpr double kSettled = 1e-15;
  constexpr double kLongest = 1e4;  // the nodes of a pair's quadrature are some q in number
  const std::vector<UnitFunction> functions = unit_functions(activation);
  const bool all_rectifiers = std::ranges::all_of(
      functions, [](const UnitFunction& phi) { return rectifier(phi).has_value(); });
  double correlation = 1;
  double factor = 1;
  bool settled = false;
  for (std::size_t l = 0; l < depth; ++l) {
    if (settled) {
      correlations.push_back(correlation *= factor);
      continue;
    }
    if (q > kLongest && !all_rectifiers) return {};
    const std::optional<PairMeans> means = pair_means(activation, q, c);
    if (!means) return {};
    const GaussianMoments moments = quick_moments(activation, q);
    factor = (skip + weight_variance * means->slope_product) /
             (skip + weight_variance * moments.slope_square);
    correlations.push_back(correlation *= factor);
    const double next = skip * q + weight_variance * moments.square + bias_variance;
    const double next_c = std::clamp(
        (skip * c * q + weight_variance * means->product + bias_variance) / next, -1.0, 1.0);
    settled = std::abs(next - q) <= kSettled * q && std::abs(next_c - c) <= kSettled;
    c = next_c;
    q = next;
  }
  return correlations;
}

}  // namespace

std::vector<double> plain_gradient_correlation(const Activation& activation, double weight_variance,
                                               double bias_variance, double q, double c,
                                               std::size_t depth) {
  return gradient_correlation(activation, 0, weight_variance, bias_variance, q, c, depth);
}

std::vector<double> residual_gradient_correlation(const Activation& activation,
                                                  double weight_variance, double bias_variance,
                                                  double scale, double q, double c,
                                                  std::size_t depth) {
  const double square = scale * scale;
  return gradient_correlation(activation, 1, square * weight_variance, square * bias_variance, q, c,
                              depth);
}

std::vector<double> batch_norm_gradient_correlation(std::size_t depth) {
  std::vector<double> correlations;
  double correlation = 1;
  for (std::size_t l = 0; l < depth; ++l) correlations.push_back(correlation *= 0.5);
  return correlations;
}

std::vector<double> residual_batch_norm_gradient_correlation(double scale, bool centred,
                                                             std::size_t depth) {
  const double square = scale * scale;
  const double growth = square * (centred ? 1 - 1 / std::numbers::pi : 1);
  std::vector<double> correlations;
  double correlation = 1;
  for (std::size_t l = 0; l < depth; ++l) {
    const double share = square / (1 + growth * static_cast<double>(l));  // beta^2 / v_l
    correlation *= (1 + share / 2) / (1 + share);
    correlations.push_back(correlation);
  }
  return correlations;
}

}  // namespace plumbline
