// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/activations/activation.hpp"

namespace plumbline {

/// Mean-field theory of wide random nets: pre-activations of layer l are normal with variance q_l.
/// Poole et al., NIPS 2016, arXiv:1606.05340; Schoenholz et al., ICLR 2017, arXiv:1611.01232.

/// The fixed point q* of q = bias_variance + weight_variance E[phi(sqrt(q) z)^2] that is reached from
/// `q`, with weight_variance = sigma_w^2 = fan_in times the variance of a weight. NaN where the
/// iteration has not settled to 1e-14 relative after 100,000 layers, infinity where it grows without
/// bound.
double length_fixed_point(const Activation& activation, double weight_variance,
                          double bias_variance, double q = 1);

/// The edge of chaos: the weight_variance at which chi_1 = weight_variance E[phi'(sqrt(q*) z)^2] is 1 at
/// a fixed point q* that nearby lengths return to, so that error signals neither vanish nor explode.
/// The points with chi_1 = 1 are a curve over q:
///   sigma_w^2(q) = 1 / E[phi'^2],   sigma_b^2(q) = q - E[phi^2] / E[phi'^2].
/// Where several of its points have this bias_variance, the one of least q; where there are none up to
/// q = 10^4 (softplus, or relu with any bias variance but 0), none. Without bias variance an activation
/// that is linear near 0 has its point at q* = 0, and one that scales (relu) at every q*.
std::optional<double> critical_weight_variance(const Activation& activation, double bias_variance);

/// One weight layer of a net in the theory: its weights have variance `weight_variance` (not times
/// fan_in), its biases `bias_variance`, and it has `inputs` inputs.
struct TheoryLayer {
  double inputs = 0;
  double weight_variance = 0;
  double bias_variance = 0;
};

/// The error signal of each weight layer l = 1, ..., L as a multiple of its value at layer L.
struct ErrorSignalTheory {
  std::vector<double> rms;  ///< root of the mean square over random nets
  std::vector<double> low;  ///< 2.5 % and 97.5 % quantiles over random nets of these widths
  std::vector<double> high;
};

/// For a net whose hidden layers have one activation, and whose inputs have mean square norm
/// `input_square`, with v_l the weight variance and n_l the width of layer l:
///   q_1 = sigma_b1^2 + v_1 |x|^2,   q_{l+1} = sigma_b^2 + n_l v_{l+1} E[phi(sqrt(q_l) z)^2],
///   chi_l = n_l v_{l+1} E[phi'(sqrt(q_l) z)^2],   E|delta_l|^2 = chi_l E|delta_{l+1}|^2.
/// At finite width, to leading order in 1/n, ln(|delta_l|^2 / |delta_L|^2) is normal with mean
/// sum ln chi - (1/2) sum kappa/n and variance sum kappa/n over the layers between,
/// kappa = 3 E[phi'^4] / E[phi'^2]^2 - 1 (Activation::gain_spread). Known to be too narrow by some 16 % for critical tanh.
ErrorSignalTheory error_signal_theory(const Activation& activation,
                                      std::span<const TheoryLayer> layers, double input_square);

}  // namespace plumbline
