// SPDX-License-Identifier: Apache-2.0
#include "engine/core/lapack.hpp"

#include <cblas.h>
#include <lapack.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/core/openblas.hpp"

namespace plumbline {

namespace {

void require_success(lapack_int info, const char* what) {
  if (info != 0) throw EnvironmentError(std::string("LAPACK's ") + what + " failed");
}

bool is_finite(MatrixView<const double> a) {
  for (std::size_t i = 0; i < a.rows; ++i) {
    if (!std::all_of(a.row(i), a.row(i) + a.cols, [](double x) { return std::isfinite(x); })) {
      return false;
    }
  }
  return true;
}

// Of singular values without vectors: no less than the documentation asks for, and enough for blocks of 64
// columns, as rows and cols together are less than 3 min(rows, cols) where no QR comes first.
std::size_t singular_value_work(std::size_t rows, std::size_t cols) {
  const std::size_t less = std::min(rows, cols);
  return 3 * less + std::max(std::max(rows, cols), 3 * 64 * less);
}

void fill_with_nan(MatrixView<double> a) {
  for (std::size_t i = 0; i < a.rows; ++i) {
    std::fill_n(a.row(i), a.cols, std::numeric_limits<double>::quiet_NaN());
  }
}

}  // namespace

void symmetric_eigen(MatrixView<const double> a, std::span<double> values,
                     MatrixView<double> vectors) {
  if (a.empty()) return;
  if (!is_finite(a)) {
    std::ranges::fill(values, std::numeric_limits<double>::quiet_NaN());
    fill_with_nan(vectors);
    return;
  }
  require_safe_openblas();
  for (std::size_t i = 0; i < a.rows; ++i) std::copy_n(a.row(i), a.cols, vectors.row(i));
  // LAPACK goes by columns: what it calls lower is our upper triangle, its columns are our rows.
  const auto n = static_cast<lapack_int>(a.rows);
  const auto stride = static_cast<lapack_int>(vectors.stride);
  // The least sizes that its documentation allows.
  const std::size_t size = a.rows;
  std::vector<double> work(1 + 6 * size + 2 * size * size);
  std::vector<lapack_int> integers(3 + 5 * size);
  const auto work_size = static_cast<lapack_int>(work.size());
  const auto integers_size = static_cast<lapack_int>(integers.size());
  lapack_int info = 0;
  LAPACK_dsyevd("V", "L", &n, vectors.data, &stride, values.data(), work.data(), &work_size,
                integers.data(), &integers_size, &info);
  require_success(info, "symmetric eigendecomposition");
}

double spectral_radius(MatrixView<const double> a) {
  if (a.empty()) return 0;
  if (!is_finite(a)) return std::numeric_limits<double>::quiet_NaN();
  require_safe_openblas();
  // Rows are LAPACK's columns: the transpose has the same eigenvalues.
  const std::size_t n = a.rows;
  std::vector<double> matrix(n * n);
  for (std::size_t i = 0; i < n; ++i) std::copy_n(a.row(i), n, matrix.data() + i * n);
  std::vector<double> real(n);
  std::vector<double> imaginary(n);
  std::vector<double> work(64 * n);  // as for orthonormalize_rows()
  const auto size = static_cast<lapack_int>(n);
  const auto work_size = static_cast<lapack_int>(work.size());
  const lapack_int none = 1;
  lapack_int info = 0;
  LAPACK_dgeev("N", "N", &size, matrix.data(), &size, real.data(), imaginary.data(), nullptr, &none,
               nullptr, &none, work.data(), &work_size, &info);
  require_success(info, "eigenvalues of a general matrix");
  double radius = 0;
  for (std::size_t i = 0; i < n; ++i) radius = std::max(radius, std::hypot(real[i], imaginary[i]));
  return radius;
}

std::span<const double> SingularValues::of(MatrixView<const float> a) { return of_matrix(a); }

std::span<const double> SingularValues::of(MatrixView<const double> a) { return of_matrix(a); }

void SingularValues::Room::count(std::size_t rows, std::size_t cols) {
  matrix_ = std::max(matrix_, rows * cols);
  values_ = std::max(values_, std::min(rows, cols));
  work_ = std::max(work_, singular_value_work(rows, cols));
}

double SingularValues::Room::bytes() const {
  return static_cast<double>(sizeof(double) * (matrix_ + values_ + work_) +
                             sizeof(lapack_int) * 8 * values_);
}

template <typename T>
std::span<const double> SingularValues::of_matrix(MatrixView<const T> a) {
  if (a.empty()) return {};
  require_safe_openblas();
  const auto at_least = [](auto& room, std::size_t size) {
    if (room.size() >= size) return;
    // A vector that grows doubles, and has the old room beside the new.
    room.clear();
    room.shrink_to_fit();
    room.resize(size);
  };
  const std::size_t count = std::min(a.rows, a.cols);
  at_least(matrix_, a.rows * a.cols);
  at_least(values_, count);
  // As much of it as this matrix has by itself: the size of blocks, and so the bits, depend on it.
  const std::size_t work = singular_value_work(a.rows, a.cols);
  at_least(work_, work);
  at_least(integers_, 8 * count);
  for (std::size_t i = 0; i < a.rows; ++i) {
    std::copy_n(a.row(i), a.cols, matrix_.data() + i * a.cols);
  }
  const std::span<double> values(values_.data(), count);
  if (!is_finite({matrix_.data(), a.rows, a.cols, a.cols})) {
    std::ranges::fill(values, std::numeric_limits<double>::quiet_NaN());
    return values;
  }
  // Rows are LAPACK's columns: the transpose has the same singular values.
  const auto m = static_cast<lapack_int>(a.cols);
  const auto n = static_cast<lapack_int>(a.rows);
  const auto work_size = static_cast<lapack_int>(work);
  const lapack_int none = 1;
  lapack_int info = 0;
  LAPACK_dgesdd("N", &m, &n, matrix_.data(), &m, values.data(), nullptr, &none, nullptr, &none,
                work_.data(), &work_size, integers_.data(), &info);
  require_success(info, "singular value decomposition");
  return values;
}

void inverse_root(MatrixView<const double> a, double p, double least, MatrixView<double> root) {
  if (a.empty()) return;
  require_safe_openblas();
  const std::size_t n = a.rows;
  std::vector<double> values(n);
  std::vector<double> vectors(n * n);
  symmetric_eigen(a, values, {vectors.data(), n, n, n});
  // a^(-1/p) = B^T B, where row k of B is eigenvector k times value k to the power -1/(2p).
  for (std::size_t k = 0; k < n; ++k) {
    // NaN is less than nothing, so it stays.
    const double value = values[k] < least ? least : values[k];
    const double factor = std::pow(value, -0.5 / p);
    for (std::size_t j = 0; j < n; ++j) vectors[k * n + j] *= factor;
  }
  const auto size = static_cast<blasint>(n);
  cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, size, size, size, 1.0, vectors.data(), size,
              vectors.data(), size, 0.0, root.data, static_cast<blasint>(root.stride));
}

void orthonormalize_rows(MatrixView<double> a) {
  if (a.empty()) return;
  if (!is_finite(a)) {
    fill_with_nan(a);
    return;
  }
  require_safe_openblas();
  // LAPACK goes by columns: to it our rows are the columns of a tall matrix.
  const auto m = static_cast<lapack_int>(a.cols);
  const auto n = static_cast<lapack_int>(a.rows);
  std::vector<double> tau(a.rows);
  std::vector<double> work(64 * a.rows);  // 64 columns at once is more than any OpenBLAS uses
  const auto work_size = static_cast<lapack_int>(work.size());
  lapack_int info = 0;
  LAPACK_dgeqrf(&m, &n, a.data, &m, tau.data(), work.data(), &work_size, &info);
  require_success(info, "QR factorization");
  std::vector<bool> negative(a.rows);
  for (std::size_t j = 0; j < a.rows; ++j) negative[j] = a(j, j) < 0;
  LAPACK_dorgqr(&m, &n, &n, a.data, &m, tau.data(), work.data(), &work_size, &info);
  require_success(info, "QR factorization");
  for (std::size_t j = 0; j < a.rows; ++j) {
    if (!negative[j]) continue;
    for (std::size_t i = 0; i < a.cols; ++i) a(j, i) = -a(j, i);
  }
}

}  // namespace plumbline
