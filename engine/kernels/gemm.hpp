// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "engine/core/matrix_view.hpp"

namespace plumbline {

/// A factor of a product, as it stands or transposed: element (i, k) is
/// data[i * row_stride + k * col_stride], and one of the two strides is 1.
template <typename T>
struct Factor {
  const T* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t row_stride = 0;
  std::size_t col_stride = 1;
};

template <typename T>
Factor<T> as_is(MatrixView<const T> m) {
  return {m.data, m.rows, m.cols, m.stride, 1};
}

template <typename T>
Factor<T> transposed(MatrixView<const T> m) {
  return {m.data, m.cols, m.rows, 1, m.stride};
}

/// Where the sums of a product begin: at 0, at a row of numbers, one for each column, or at what stands
/// in the result.
template <typename T>
struct Start {
  Start(std::nullptr_t = nullptr) {}         // NOLINT(google-explicit-constructor)
  Start(const T* numbers) : row(numbers) {}  // NOLINT(google-explicit-constructor)
  static Start at_result() {
    Start start;
    start.goes_on = true;
    return start;
  }

  const T* row = nullptr;
  bool goes_on = false;
};

/// Multiply-adds from which on multiply() shares a product among threads (kernels/parallel.hpp).
inline constexpr std::size_t kSharedProduct = std::size_t{1} << 21;

/// c(i, j) = scale * (start(i, j) + sum_k a(i, k) b(k, j)).
///
/// Each element is one chain of multiply-adds in rising k that begins at its start (fused ones where
/// the build's target has them), then one multiplication by `scale`. So its bits depend on its row of a, its column of b
/// and its start alone: not on the sizes, the alignment, the caller's thread, or how rows or columns
/// are shared out over calls. Safe to call from any number of threads at once. `c` must not overlap
/// the factors. Where an element of c is NaN or infinite, `*finite` becomes false; else it is left as
/// it is.
void multiply(const Factor<float>& a, const Factor<float>& b, const MatrixView<float>& c,
              Start<float> start = {}, float scale = 1, bool* finite = nullptr);
void multiply(const Factor<double>& a, const Factor<double>& b, const MatrixView<double>& c,
              Start<double> start = {}, double scale = 1, bool* finite = nullptr);

/// What computes the products of a net's layers.
enum class Gemm {
  native,  ///< multiply()
  blas     ///< multiply_by_blas()
};

/// The same product by OpenBLAS on the calling thread alone. Its order of operations is the library's,
/// and the bits of a row may depend on the other rows of the call. Throws EnvironmentError where the
/// library is a build that is wrong under threads (core/openblas.hpp).
void multiply_by_blas(const Factor<float>& a, const Factor<float>& b, const MatrixView<float>& c,
                      Start<float> start = {}, float scale = 1, bool* finite = nullptr);
void multiply_by_blas(const Factor<double>& a, const Factor<double>& b, const MatrixView<double>& c,
                      Start<double> start = {}, double scale = 1, bool* finite = nullptr);

template <typename T>
void multiply(Gemm gemm, const Factor<T>& a, const Factor<T>& b, const MatrixView<T>& c,
              Start<T> start = {}, T scale = 1, bool* finite = nullptr) {
  if (gemm == Gemm::blas) {
    multiply_by_blas(a, b, c, start, scale, finite);
  } else {
    multiply(a, b, c, start, scale, finite);
  }
}

}  // namespace plumbline
