// SPDX-License-Identifier: Apache-2.0
// The decompositions of LAPACK, in double. A matrix with NaN or an infinity in it is given to none of
// them: its results are NaN throughout. Safe to call from any number of threads at once; each call
// stays on its own thread. EnvironmentError where the OpenBLAS in use is not safe, or LAPACK fails.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/core/matrix_view.hpp"

namespace plumbline {

/// The eigenvalues of a symmetric matrix in rising order, and orthonormal eigenvectors: row k of
/// `vectors` belongs to values[k]. Reads `a` on and above the diagonal.
void symmetric_eigen(MatrixView<const double> a, std::span<double> values,
                     MatrixView<double> vectors);

/// The largest absolute value of the eigenvalues of a square matrix.
double spectral_radius(MatrixView<const double> a);

/// The singular values of one matrix after another, in room that is kept: matrices that are no larger than
/// one before them need no more.
class SingularValues {
 public:
  /// min(rows, cols) of them, falling; each to some roundings of the largest. They hold until the next
  /// call.
  std::span<const double> of(MatrixView<const float> a);
  std::span<const double> of(MatrixView<const double> a);

  /// What it keeps for all matrices that are counted.
  class Room {
   public:
    void count(std::size_t rows, std::size_t cols);
    double bytes() const;

   private:
    std::size_t matrix_ = 0;
    std::size_t values_ = 0;
    std::size_t work_ = 0;
  };
  /// Its time as operations of large products: the 4 rows cols min(rows, cols) of a decomposition have about a
  /// quarter of their speed, and less where the matrix is small.
  static double cost(std::size_t rows, std::size_t cols) {
    return 16 * static_cast<double>(rows * cols) *
           (64 + static_cast<double>(rows < cols ? rows : cols));
  }

 private:
  template <typename T>
  std::span<const double> of_matrix(MatrixView<const T> a);

  std::vector<double> matrix_;
  std::vector<double> values_;
  std::vector<double> work_;
  std::vector<int> integers_;
};

/// a^(-1/p) of a symmetric positive definite matrix. Eigenvalues below `least` count as `least`: where
/// all are known to be at least that, those below it are rounding.
void inverse_root(MatrixView<const double> a, double p, double least, MatrixView<double> root);

/// Makes the rows of a matrix with no more rows than cols orthonormal: A^T = Q R with no negative
/// number on R's diagonal, and `a` becomes Q^T. Row k is then in the span of the first k+1 rows of A.
/// `a` must not be padded: its stride is its cols.
void orthonormalize_rows(MatrixView<double> a);

}  // namespace plumbline
