// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/core/matrix_view.hpp"
#include "engine/kernels/gemm.hpp"

namespace plumbline {

/// A row-major matrix that owns its values, zeros at first: for the algebra of methods that work on
/// whole weight matrices.
template <typename T>
class DenseMatrix {
 public:
  DenseMatrix() = default;
  DenseMatrix(std::size_t rows, std::size_t cols)
      : rows_(rows), cols_(cols), values_(rows * cols) {}
  /// scale I.
  static DenseMatrix identity(std::size_t n, T scale = 1) {
    DenseMatrix result(n, n);
    for (std::size_t i = 0; i < n; ++i) result.values_[i * n + i] = scale;
    return result;
  }

  std::size_t rows() const { return rows_; }
  std::size_t cols() const { return cols_; }
  bool empty() const { return values_.empty(); }
  std::span<T> values() { return values_; }
  std::span<const T> values() const { return values_; }
  MatrixView<T> view() { return {values_.data(), rows_, cols_, cols_}; }
  MatrixView<const T> view() const { return {values_.data(), rows_, cols_, cols_}; }

 private:
  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
  std::vector<T> values_;
};

template <typename T>
Factor<T> as_is(const DenseMatrix<T>& m) {
  return as_is(m.view());
}

template <typename T>
Factor<T> transposed(const DenseMatrix<T>& m) {
  return transposed(m.view());
}

/// a b.
template <typename T>
DenseMatrix<T> product(const Factor<T>& a, const Factor<T>& b) {
  DenseMatrix<T> result(a.rows, b.cols);
  if (!result.empty()) multiply(a, b, result.view());
  return result;
}

}  // namespace plumbline
