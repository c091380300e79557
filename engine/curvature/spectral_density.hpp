// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/curvature/symmetric_operator.hpp"

namespace plumbline {

struct DensitySearch {
  std::size_t starts = 10;      ///< random vectors that are averaged over
  std::size_t iterations = 80;  ///< products for each
  std::int64_t seed = 0;
};

/// An estimate of how the eigenvalues of A are distributed: point masses at Ritz values.
struct SpectralDensity {
  std::vector<double> eigenvalues;  ///< rising
  std::vector<double> weights;      ///< their sum is 1

  /// The density at x where each mass is spread as N(eigenvalue, width^2).
  double at(double x, double width) const;
  /// The mean of the eigenvalues to the power p, as (1/n) trace A^p.
  double moment(int p) const;
};

/// By stochastic Lanczos quadrature: v . f(A) v is, for a polynomial f of degree below 2m, the sum of
/// |v|^2 s_1^2 f(value) over the m Ritz values of Lanczos from v, and its mean over random v is trace f(A).
/// Golub & Welsch, Mathematics of Computation 23, 1969; Ghorbani, Krishnan & Xiao, An investigation into
/// neural net optimization via Hessian eigenvalue density, ICML 2019, arXiv:1901.10159. The vectors are
/// random signs.
SpectralDensity spectral_density(const SymmetricOperator& a, std::size_t n,
                                 const DensitySearch& search);

}  // namespace plumbline
