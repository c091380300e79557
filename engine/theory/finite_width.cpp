// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/finite_width.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>

#include "engine/theory/pair_curves.hpp"

namespace plumbline {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The groups of pairs of a batch in each layer: their correlations on the way up, then by how much the sum
// of P grows in each layer on the way down.
class PairSpread {
 public:
  PairSpread(const Activation& activation, const std::vector<PairGroup>& pairs,
             std::size_t hidden_layers)
      : pairs_(pairs) {
    const auto* phi = dynamic_cast<const ElementwiseActivation*>(&activation);
    if (phi == nullptr || pairs.size() == 1) {
      pairs_ = {PairGroup()};
    } else {
      curves_.emplace(*phi);
    }
    correlations_.reserve(pairs_.size());
    for (const PairGroup& pair : pairs_) correlations_.push_back(pair.correlation);
    ratios_.resize(hidden_layers * pairs_.size());
  }

  // z = W x + b of length q, of which `from_inputs` comes with W.
  void enter(double from_inputs, double bias_variance, double q) {
    for (double& c : correlations_) c = correlation(bias_variance + from_inputs * c, q);
  }

  // Through hidden layer l, to the lengths `next` of the pre-activations above.
  void pass_up(std::size_t l, double q, const GaussianMoments& moments, double kappa, double scale,
               double bias_variance, double next) {
    // At correlation 1, F = (kappa + 1) / 3 and R = 1.
    ratios_[l * pairs_.size()] = {(kappa + 1) / 3, 1};
    if (!curves_) return;
    curves_->set_length(q, moments);
    const double square = moments.slope_square;
    for (std::size_t g = 1; g < pairs_.size(); ++g) {
      const PairCurves::Means means = curves_->at(correlations_[g]);
      ratios_[l * pairs_.size() + g] = {means.square_product / (square * square),
                                        means.slope_product / square};
      correlations_[g] = correlation(bias_variance + scale * means.product, next);
    }
  }

  // From above hidden layer l to below it, over n units.
  double pass_down(std::size_t l, double n) {
    double before = 0;
    double grown = 0;
    for (std::size_t g = 0; g < pairs_.size(); ++g) {
      const auto [f, r] = ratios_[l * pairs_.size() + g];
      double& p = pairs_[g].product;
      double& q = pairs_[g].alignment;
      const double more = ((f - 1) * p + 2 * f * q) / n;
      q = r * r * q + (f * (p + 2 * q) - r * r * q) / n;
      before += p;
      grown += more;
      p += more;
    }
    // Shares of the sum are all that is asked for; the sum itself would overflow in deep, narrow nets.
    for (PairGroup& pair : pairs_) {
      pair.product /= before + grown;
      pair.alignment /= before + grown;
    }
    return grown / before;
  }

 private:
  struct Ratios {
    double f = 0;
    double r = 0;
  };

  // Of vectors of length 0 as of equal ones.
  static double correlation(double product, double length) {
    return length > 0 ? std::clamp(product / length, -1.0, 1.0) : 1;
  }

  std::vector<PairGroup> pairs_;  // with P and Q as they are in the layer at hand
  std::optional<PairCurves> curves_;
  std::vector<double> correlations_;
  std::vector<Ratios> ratios_;  // layer after layer
};

}  // namespace

ErrorSignalTheory error_signal_theory(const Activation& activation,
                                      std::span<const TheoryLayer> layers, double input_square,
                                      const std::vector<PairGroup>& pairs) {
  const std::size_t depth = layers.size();
  std::vector<double> chi(depth, 1);
  double q = layers[0].bias_variance + layers[0].weight_variance * input_square;
  PairSpread spread(activation, pairs, depth - 1);
  spread.enter(layers[0].weight_variance * input_square, layers[0].bias_variance, q);
  for (std::size_t l = 0; l + 1 < depth; ++l) {
    const TheoryLayer& above = layers[l + 1];
    const double scale = above.inputs * above.weight_variance;
    const GaussianMoments moments = activation.moments(q);
    chi[l] = scale * moments.slope_square;
    const double next = above.bias_variance + scale * moments.square;
    spread.pass_up(l, q, moments, activation.gain_spread(moments), scale, above.bias_variance,
                   next);
    q = next;
  }
  ErrorSignalTheory theory{std::vector<double>(depth, 1), std::vector<double>(depth, 1),
                           std::vector<double>(depth, 1)};
  double log_mean = 0;
  double log_variance = 0;
  for (std::size_t l = depth - 1; l-- > 0;) {
    const double grown = spread.pass_down(l, layers[l + 1].inputs);
    // Infinity over infinity, or 0 over 0, is no spread, and neither is what such moments say of chi.
    if (!std::isfinite(grown) || !std::isfinite(chi[l])) chi[l] = kNaN;
    theory.rms[l] = theory.rms[l + 1] * std::sqrt(chi[l]);
    log_mean += std::log(chi[l]) - 0.5 * grown;
    log_variance += grown;
    const double reach = kBandDeviations * std::sqrt(log_variance);
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
