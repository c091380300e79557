// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "engine/activations/activation.hpp"
#include "engine/theory/unit_functions.hpp"

namespace plumbline {

/// Means over two pre-activations u1, u2 of one unit, both N(0, q), of correlation c: what a layer makes
/// of two inputs. For several outputs a unit, the mean over them.
struct PairMeans {
  double product = 0;  ///< E[phi(u1) phi(u2)]
  double slope_product =
      0;  ///< E[phi'(u1) phi'(u2)], whose q-fold is the derivative of product in c
};

/// In closed form for rectifiers, phi(z) = s+ z for z > 0 and s- z for z < 0:
///   E[phi phi]   = (q/2) ((s+^2 + s-^2) J(c) - 2 s+ s- J(-c)),   J(c) = (sqrt(1 - c^2) + (pi - acos c) c) / pi,
///   E[phi' phi'] = (1/2) ((s+^2 + s-^2) k(c) + 2 s+ s- k(-c)),   k(c) = J'(c) = 1 - acos(c) / pi;
/// by quadrature for others. None for an activation that does not treat units one by one (maxout).
/// Cho & Saul, Kernel methods for deep learning, NIPS 2009.
std::optional<PairMeans> pair_means(const Activation& activation, double q, double c);

/// The same of one function, to 1e-12 of E[phi^2] and E[phi'^2], c in [-1, 1]. Given a common part z the
/// two are independent,
///   u = sqrt(q) (sqrt|c| z + sqrt(1 - |c|) x),   E[phi(u1) phi(u2)] = E_z[F(z) F(sign(c) z)],   F(z) = E_x[phi(u)],
/// by Gauss-Legendre in panels that end at the kinks and are graded about those that F makes smooth.
PairMeans pair_means_by_quadrature(const UnitFunction& phi, double q, double c);

/// c of two inputs in the next layer, both of length q* in this one and the next:
///   c_{l+1} = (sigma_w^2 E[phi(u1) phi(u2)] + sigma_b^2) / q*.
/// Poole et al., NIPS 2016, arXiv:1606.05340.
double correlation_map(const PairMeans& means, double weight_variance, double bias_variance,
                       double q);

/// The fixed point c* of the correlation map at q* with chi_1 > 1 that correlations from 0 on come to, by
/// Newton's method; the map is convex on [0, 1], as its Hermite coefficients are squares. At chi_1 <= 1
/// it is 1 and needs no search.
double correlation_fixed_point(const UnitFunction& phi, double weight_variance,
                               double bias_variance, double q);

}  // namespace plumbline
