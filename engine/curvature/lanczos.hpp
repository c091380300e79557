// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/curvature/symmetric_operator.hpp"

namespace plumbline {

/// Lanczos' recurrence for a symmetric A of size n: with Q = (q_1, ..., q_m) orthonormal,
///   A Q = Q T + b_m q_{m+1} e_m^T,   T tridiagonal with a_1, ..., a_m and b_1, ..., b_{m-1}.
/// Each q is made orthogonal to all before it, twice (Parlett, The symmetric eigenvalue problem, 1998,
/// section 6.9), so no eigenvalue comes a second time by rounding. Keeps m vectors. Its sums have a
/// fixed tree: the bits are the same at any number of threads where those of A are.
class Lanczos {
 public:
  /// Begins along `start`, which is not zero.
  Lanczos(SymmetricOperator a, std::vector<double> start);

  /// Makes the next product. Needs is_closed() to be false.
  void step();
  std::size_t steps() const { return diagonal_.size(); }
  /// Whether the vectors so far span a space that A maps into itself: then b_m is zero up to rounding, and
  /// the eigenvalues of T are eigenvalues of A.
  bool is_closed() const { return closed_; }
  /// Where is_closed(), but fewer than n steps are made: goes on outside that space, along `start`.
  void restart(std::vector<double> start);
  /// Whether all numbers of T are finite.
  bool is_finite() const;

  struct Ritz {
    std::vector<double> values;  ///< eigenvalues of T, rising
    /// |b_m s_m|, s the eigenvector of T: an eigenvalue of A is at most this far from the value.
    std::vector<double> error_bounds;
    std::vector<double> weights;  ///< s_1^2: the share of the start vector along it; their sum is 1
  };
  Ritz ritz() const;

 private:
  /// Takes what is along the basis out of w, twice, and returns the norm that is left.
  double orthogonalize(std::vector<double>& w) const;

  SymmetricOperator a_;
  std::vector<std::vector<double>> basis_;
  std::vector<double> diagonal_;      // a
  std::vector<double> off_diagonal_;  // b
  double scale_ = 0;                  // the largest |A q| so far
  bool closed_ = false;
};

struct EigenvalueSearch {
  std::size_t count = 1;         ///< how many eigenvalues
  std::size_t iterations = 100;  ///< most products
  /// Stops where all error bounds are at most this share of the largest absolute value among them.
  double tolerance = 1e-6;
  std::int64_t seed = 0;  ///< of the start vector
};

struct LargestEigenvalues {
  std::vector<double>
      values;  ///< falling; NaN where there are fewer, and throughout where A has NaN
  std::vector<double> error_bounds;  ///< an eigenvalue of A is at most this far from the value
  std::size_t products = 0;
};

/// The algebraically largest eigenvalues of A, which is n x n. The bounds say that some eigenvalue is
/// near each value, and not that none was passed over: a random start makes that improbable, and after n
/// products it is certain.
LargestEigenvalues largest_eigenvalues(const SymmetricOperator& a, std::size_t n,
                                       const EigenvalueSearch& search);

}  // namespace plumbline
