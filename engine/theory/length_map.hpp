// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/activations/activation.hpp"

namespace plumbline {

/// Mean-field theory of wide random nets: pre-activations of layer l are normal with variance q_l,
/// their length, and
///   q_{l+1} = V(q_l) = sigma_b^2 + sigma_w^2 E[phi(sqrt(q_l) z)^2],   z standard normal,
/// with weight_variance = sigma_w^2 = fan_in times the variance of a weight.
/// Poole et al., NIPS 2016, arXiv:1606.05340.
double length_map(const Activation& activation, double weight_variance, double bias_variance,
                  double q);

/// dV/dq = sigma_w^2 E[z phi(sqrt(q) z) phi'(sqrt(q) z)] / sqrt(q), which is chi_1 +
/// sigma_w^2 E[phi'' phi] without the second derivative that kinked activations lack. At q = 0 its
/// limit. NaN for an activation that neither treats units one by one nor scales.
double length_map_slope(const Activation& activation, double weight_variance, double q);

/// The fixed point q* of the length map that is reached from `q`: to 1e-13 relative over the distance
/// 1 - dV/dq of the slope from 1. Infinity where lengths grow without bound; `q` itself where all
/// lengths stay as they are; NaN where q* is beyond 10^4, for which the quadrature is not made.
double length_fixed_point(const Activation& activation, double weight_variance,
                          double bias_variance, double q = 1);

}  // namespace plumbline
