// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "engine/activations/activation.hpp"

namespace plumbline {

/// One output of one unit as a function a = phi(z).
struct UnitFunction {
  std::function<double(double)> value;
  std::function<double(double)> slope;
  std::vector<double> kinks = {};  ///< where phi' or phi'' jumps, in rising order
  double scale = 1;                ///< phi varies over distances of this order, or longer ones

  /// E[function(u)] over u ~ N(0, q), to 1e-12 by quadrature that ends its panels at 0 and the kinks;
  /// for q / scale^2 up to 10^4.
  double mean(double q, const std::function<double(double)>& function) const;
};

/// What a unit makes of its z, one function for each output, with the activation's parameters where
/// they start. Empty where an output takes several units, as maxout's do. An activation that is not
/// element-wise but treats units one by one is a rectifier (crelu, prelu): its kink is at 0.
std::vector<UnitFunction> unit_functions(const Activation& activation);

/// Slopes of phi on the two sides of 0, where phi(z) = slope z on each.
struct Rectifier {
  double positive = 0;
  double negative = 0;

  bool is_linear() const { return positive == negative; }
};

/// The slopes of a function of one output that scales, phi(k z) = k phi(z) for k > 0; none for others.
std::optional<Rectifier> rectifier(const UnitFunction& function);

/// activation.moments(q), in closed form for rectifiers: E[phi^2] = q (s+^2 + s-^2) / 2 and so on.
GaussianMoments quick_moments(const Activation& activation, double q);

/// activation.mean_square(q), to 1e-12.
double quick_mean_square(const Activation& activation, double q);

/// E[a^2] / q where it is the same at every q, as of all activations that scale, maxout included.
std::optional<double> length_gain(const Activation& activation);

}  // namespace plumbline
