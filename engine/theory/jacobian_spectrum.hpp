// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "engine/activations/activation.hpp"

namespace plumbline {

enum class WeightEnsemble { gaussian, orthogonal };

/// Squared singular values of the Jacobian J = prod_l D_l W_l of a wide net of equal widths, as multiples
/// of their mean m_1. With mu_k = E[phi'(sqrt(q) z)^(2k)] and L layers of fixed point q:
///   variance = L (mu_2 / mu_1^2 - 1 - s_1),   s_1 = -1 for Gaussian weights, 0 for orthogonal ones;
/// at chi_1 = 1 that is m_2 - m_1^2. NaN where units and outputs are not one to one (crelu, maxout).
///
/// `largest` is the upper edge of the bulk as the width grows. Where phi'^2 is one number on a share p of
/// the units and 0 on the others (linear p = 1, relu 1/2, hard_tanh P(|u| < 1)), the S-transform of J J^T is
/// ((1 + z) / (p + z) / (1 + z)^g)^L up to scale, g = 1 for Gaussian and 0 for orthogonal weights, and the
/// edge is the least value over z > 0 of
///   lambda(z) = ((1 + z) / z) ((p + z) (1 + z)^(g - 1) / p)^L.
/// Linear Gaussian (L+1)^(L+1) / L^L, relu orthogonal L^L / (L-1)^(L-1). NaN for other slopes.
/// Pennington, Schoenholz & Ganguli, NIPS 2017, arXiv:1711.04735; AISTATS 2018, arXiv:1802.09979.
struct JacobianSpectrum {
  double variance = 0;
  double largest = 0;
};

JacobianSpectrum jacobian_spectrum(const Activation& activation, double q, WeightEnsemble weights,
                                   std::size_t depth);

}  // namespace plumbline
