// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "engine/activations/activation.hpp"

namespace plumbline {

/// The correlation of two inputs' gradients behind 1, ..., depth layers, from one upstream vector for both:
/// how shattered gradients are. Balduzzi, Frean, Leary, Lewis, Ma & McWilliams, The shattered gradients
/// problem, ICML 2017, arXiv:1702.08591, without its assumption that two inputs share a quarter of the
/// active units in every layer, which batch norm alone makes true.

/// A plain net, from two inputs of length q and correlation c:
///   corr_L = prod_l E[phi'(u1) phi'(u2)] / E[phi'^2],   (q, c) by the length and the correlation map.
/// ReLU at He's variance falls as L^-3 and not as 2^-L. Empty for an activation that does not treat units
/// one by one (maxout), and where lengths grow beyond 1e4 but for rectifiers, for which it is in closed form.
std::vector<double> plain_gradient_correlation(const Activation& activation, double weight_variance,
                                               double bias_variance, double q, double c,
                                               std::size_t depth);

/// Blocks x + beta W phi(x): with p = beta^2 sigma_w^2,
///   corr_L = prod_l (1 + p E[phi'(u1) phi'(u2)]) / (1 + p E[phi'^2]),
///   q_{l+1} = q + p E[phi^2] + beta^2 sigma_b^2,   c_{l+1} q_{l+1} = c q + p E[phi(u1) phi(u2)] + beta^2 sigma_b^2.
std::vector<double> residual_gradient_correlation(const Activation& activation,
                                                  double weight_variance, double bias_variance,
                                                  double scale, double q, double c,
                                                  std::size_t depth);

/// ReLU at He's variance behind batch norm of large batches of independent inputs, statistics held still in
/// the backward pass. Plain: 2^-L.
std::vector<double> batch_norm_gradient_correlation(std::size_t depth);

/// Blocks x + beta W relu(norm(x)):
///   corr_L = prod_{l < L} (1 + beta^2 / (2 v_l)) / (1 + beta^2 / v_l),   v_l = 1 + beta^2 (1 - 1/pi) l,
/// which falls as L^-0.73. Without `centred`, where the batch's mean is left in, v_l = 1 + beta^2 l, and
/// the paper's L^-1/2.
std::vector<double> residual_batch_norm_gradient_correlation(double scale, bool centred,
                                                             std::size_t depth);

}  // namespace plumbline
