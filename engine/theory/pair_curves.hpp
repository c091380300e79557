// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "engine/activations/activation.hpp"
#include "engine/theory/unit_functions.hpp"

namespace plumbline {

/// Means over two pre-activations of one unit, both N(0, q), as functions of their correlation c: for many c
/// at one q in microseconds. Where correlation_map.hpp is right to 1e-12 of the mean at c = 1, these are to some
/// hundredths, and between c = 0.7 and 1 to a sixth of it for slopes that jump or are peaks: enough for a variance.
class PairCurves {
 public:
  struct Means {
    double product = 0;         ///< E[phi(u1) phi(u2)]
    double slope_product = 0;   ///< E[phi'(u1) phi'(u2)]
    double square_product = 0;  ///< E[phi'(u1)^2 phi'(u2)^2]
  };

  /// phi must outlive it.
  explicit PairCurves(const ElementwiseActivation& phi);

  /// `moments`: phi's at q, which are the means at c = 1.
  void set_length(double q, const GaussianMoments& moments);
  /// In closed form for rectifiers. For others by Mehler's formula,
  ///   E[f(u1) f(u2)] = sum_k a_k^2 c^k,   a_k = E[f(sqrt(q) z) He_k(z)] / sqrt(k!),
  /// to k = 12, with all that is left of E[f^2] at k = 13.
  Means at(double c) const;

 private:
  static constexpr std::size_t kOrders = 14;
  using Series = std::array<double, kOrders>;

  static void close(Series& squares, double total);

  const ElementwiseActivation& phi_;
  std::optional<Rectifier> rectifier_;
  double q_ = 0;
  std::array<Series, 3> squares_{};  // a_k^2 of phi, phi' and phi'^2
};

}  // namespace plumbline
