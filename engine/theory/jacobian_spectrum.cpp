// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/jacobian_spectrum.hpp"

#include <cmath>
#include <limits>

#include "engine/theory/unit_functions.hpp"

namespace plumbline {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double value_at(double z, double p, double layers, double gaussian) {
  const double layer = (p + z) * (gaussian == 1 ? 1 : 1 / (1 + z)) / p;
  return (1 + z) / z * std::pow(layer, layers);
}

// d ln lambda / dz = 0:  L z (1 + z) = p + z  (Gaussian),  p + z = L (1 - p) z  (orthogonal); where the
// latter has no root above 0, lambda falls to its limit p^-L.
double upper_edge(double p, double layers, WeightEnsemble weights) {
  if (weights == WeightEnsemble::gaussian) {
    const double z =
        (1 - layers + std::sqrt((layers - 1) * (layers - 1) + 4 * layers * p)) / (2 * layers);
    return value_at(z, p, layers, 1);
  }
  const double room = layers * (1 - p) - 1;
  return room > 0 ? value_at(p / room, p, layers, 0) : std::pow(p, -layers);
}

}  // namespace

JacobianSpectrum jacobian_spectrum(const Activation& activation, double q, WeightEnsemble weights,
                                   std::size_t depth) {
  const std::vector<UnitFunction> outputs = unit_functions(activation);
  if (outputs.size() != 1) return {kNaN, kNaN};
  const UnitFunction& phi = outputs[0];
  const auto mean_power = [&](int power) {
    return phi.mean(q, [&](double u) { return std::pow(phi.slope(u) * phi.slope(u), power); });
  };
  const double first = mean_power(1);
  const double second = mean_power(2);
  const double third = mean_power(3);
  const auto layers = static_cast<double>(depth);
  const double s_1 = weights == WeightEnsemble::gaussian ? -1 : 0;
  const double share = first * first / second;
  JacobianSpectrum spectrum{layers * (1 / share - 1 - s_1), kNaN};
  // Cauchy and Schwarz: E[x]E[x^3] = E[x^2]^2 for x >= 0 where x has one value besides 0, and else more.
  constexpr double kRounding = 1e-10;
  if (std::abs(first * third / (second * second) - 1) <= kRounding) {
    const double p = std::abs(share - 1) <= kRounding ? 1 : share;
    spectrum.largest = upper_edge(p, layers, weights);
  }
  return spectrum;
}

}  // namespace plumbline
