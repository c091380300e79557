// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/finite_width.hpp"

#include <cmath>
#include <numbers>

namespace plumbline {

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

namespace {

// psi and psi', the derivatives of ln Gamma, for x > 0: up by psi(x) = psi(x + 1) - 1/x to x >= 10, then
// the asymptotic series, whose first term left out is below 2e-16 there.
double digamma(double x) {
  double sum = 0;
  for (; x < 10; ++x) sum -= 1 / x;
  const double y = 1 / (x * x);
  return sum + std::log(x) - 0.5 / x -
         y * (1.0 / 12 -
              y * (1.0 / 120 -
                   y * (1.0 / 252 -
                        y * (1.0 / 240 - y * (1.0 / 132 - y * (691.0 / 32760 - y / 12))))));
}

double trigamma(double x) {
  double sum = 0;
  for (; x < 10; ++x) sum += 1 / (x * x);
  const double y = 1 / (x * x);
  return sum + 1 / x + 0.5 * y +
         y / x *
             (1.0 / 6 -
              y * (1.0 / 30 - y * (1.0 / 42 - y * (1.0 / 30 - y * (5.0 / 66 - y * (691.0 / 2730 -
                                                                                   y * 7 / 6))))));
}

}  // namespace

LogGain linear_log_gain(std::size_t width) {
  const double half = 0.5 * static_cast<double>(width);
  return {digamma(half) - std::log(half), trigamma(half)};
}

// E ln chi^2_k = psi(k/2) + ln 2 and Var ln chi^2_k = psi'(k/2).
LogGain relu_log_gain(std::size_t width) {
  const auto n = static_cast<double>(width);
  const double log_all = n * std::numbers::ln2 + std::log1p(-std::exp2(-n));  // ln(2^n - 1)
  double log_ways = 0;                                                        // ln of n over k
  double first = 0;
  double second = 0;
  for (std::size_t units = 1; units <= width; ++units) {
    const auto k = static_cast<double>(units);
    log_ways += std::log((n - k + 1) / k);
    const double share = std::exp(log_ways - log_all);
    const double mean = digamma(k / 2) + std::log(4 / n);
    first += share * mean;
    second += share * (mean * mean + trigamma(k / 2));
  }
  return {first, second - first * first};
}

}  // namespace plumbline
