// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "engine/activations/activation.hpp"

namespace plumbline {

/// Why a quantity of a point is NaN there.
struct Undefined {
  std::string quantity;  ///< "c_star"
  std::string because;
};

/// A point of the phase diagram: wide nets of weights N(0, sigma_w^2 / fan_in), biases N(0, sigma_b^2).
///   q_star   the length q* that lengths come to from 1; infinite where they grow without bound
///   chi_1    sigma_w^2 E[phi'(sqrt(q*) z)^2]: E|delta_l|^2 = chi_1 E|delta_{l+1}|^2
///   c_star   the correlation that two inputs come to
///   chi_c    dc_{l+1}/dc_l at c*, which is sigma_w^2 E[phi'(u1) phi'(u2)] where q* is finite and not 0
///   xi_q     -1 / ln|dV/dq|, xi_c = -1 / ln chi_c: layers over which lengths and correlations settle
///   xi_grad  -1 / ln chi_1: layers over which |delta|^2 falls by e; negative where it grows
///   norm_factor  sqrt(chi_1), what a layer multiplies the norm of the error signal by
/// Scales are infinite where the slope is 1 to 1e-12. Where q* is 0 or infinite, chi_1 and the correlation
/// map are their limits there.
/// Poole et al., NIPS 2016, arXiv:1606.05340; Schoenholz et al., ICLR 2017, arXiv:1611.01232.
struct MeanFieldPoint {
  double q_star = 0;
  double chi_1 = 0;
  double chi_c = 0;
  double c_star = 0;
  double xi_q = 0;
  double xi_c = 0;
  double xi_grad = 0;
  double norm_factor = 0;
  std::vector<Undefined> undefined = {};
};

MeanFieldPoint mean_field_point(const Activation& activation, double weight_variance,
                                double bias_variance);

/// -1 / ln|slope|: the layers over which what a layer multiplies by `slope` falls by e. Infinite where
/// slope is 1 to 1e-12, negative above, 0 where it is 0 or infinite.
double depth_scale(double slope);

enum class SignalPhase { ordered, critical, chaotic };

/// By chi_1: below 1 two inputs become alike and gradients vanish, above 1 they part and gradients
/// explode. Critical where |xi_grad| is a million layers or more.
SignalPhase phase_of(double chi_1);

}  // namespace plumbline
