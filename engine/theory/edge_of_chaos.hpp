// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "engine/activations/activation.hpp"

namespace plumbline {

/// A point of the phase diagram with the length q that is a fixed point there.
struct PhasePoint {
  double weight_variance = 0;
  double bias_variance = 0;
  double q = 0;
};

/// The point with fixed point q at which chi_1 = sigma_w^2 E[phi'(sqrt(q) z)^2] has this value:
///   sigma_w^2 = chi_1 / E[phi'^2],   sigma_b^2 = q - sigma_w^2 E[phi^2].
/// Over q these are a line of the phase diagram, for chi_1 = 1 the critical line. There is no net where
/// bias_variance comes out negative.
PhasePoint point_of_chi(const Activation& activation, double chi_1, double q);

/// Whether lengths near the fixed point come nearer to it from layer to layer.
bool attracts(const Activation& activation, const PhasePoint& point);

/// The edge of chaos: the weight_variance at which chi_1 is 1 at a fixed point q* that nearby lengths
/// return to, so that error signals neither vanish nor explode. Where several points of the critical line
/// have this bias_variance, the one of least q; where there are none up to q = 10^4 (softplus, or relu
/// with any bias variance but 0), none. Without bias variance an activation that is linear near 0 has its
/// point at q* = 0, and one that scales (relu) at every q*.
/// Schoenholz et al., ICLR 2017, arXiv:1611.01232.
std::optional<double> critical_weight_variance(const Activation& activation, double bias_variance);

}  // namespace plumbline
