// SPDX-License-Identifier: Apache-2.0
// Singular values and eigenvalues by plane rotations, without LAPACK: slow, and to nearly all digits.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>

#include "tests/oracle/rows.hpp"

namespace plumbline::oracle {

inline Rows transpose(const Rows& a) {
  Rows t(a.front().size(), Row(a.size()));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < t.size(); ++j) t[j][i] = a[i][j];
  }
  return t;
}

inline Rows product(const Rows& a, const Rows& b) {
  Rows c(a.size(), Row(b.front().size()));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < b.size(); ++k) {
      for (std::size_t j = 0; j < c[i].size(); ++j) c[i][j] += a[i][k] * b[k][j];
    }
  }
  return c;
}

/// c and s of the rotation that makes the 2 x 2 matrix (p, r; r, q) diagonal (Golub & Van Loan, Matrix
/// computations, section 8.5).
struct Rotation {
  double c = 1;
  double s = 0;

  Rotation(double p, double q, double r) {
    const double tau = (q - p) / (2 * r);
    const double t = (tau < 0 ? -1 : 1) / (std::abs(tau) + std::hypot(1.0, tau));
    c = 1 / std::hypot(1.0, t);
    s = t * c;
  }
};

/// min(rows, cols) singular values, falling, by Hestenes' one-sided rotations: the rows of `a` are turned in
/// pairs until all are orthogonal, and their lengths are the values. Rows of nothing but rounding never get
/// there: hence the limit.
inline Row singular_values(Rows a) {
  if (a.size() > a.front().size()) a = transpose(a);
  const auto inner = [](const Row& u, const Row& v) {
    long double sum = 0;
    for (std::size_t i = 0; i < u.size(); ++i) sum += static_cast<long double>(u[i]) * v[i];
    return static_cast<double>(sum);
  };
  bool turned = true;
  for (int sweep = 0; turned && sweep < 60; ++sweep) {
    turned = false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      for (std::size_t j = i + 1; j < a.size(); ++j) {
        const double p = inner(a[i], a[i]);
        const double q = inner(a[j], a[j]);
        const double r = inner(a[i], a[j]);
        if (std::abs(r) <= 1e-15 * std::sqrt(p) * std::sqrt(q)) continue;
        turned = true;
        const Rotation by(p, q, r);
        for (std::size_t k = 0; k < a[i].size(); ++k) {
          const double u = a[i][k];
          a[i][k] = by.c * u - by.s * a[j][k];
          a[j][k] = by.s * u + by.c * a[j][k];
        }
      }
    }
  }
  Row values;
  for (const Row& row : a) values.push_back(std::sqrt(inner(row, row)));
  std::ranges::sort(values, std::greater());
  return values;
}

/// The eigenvalues of a symmetric matrix, falling, by Jacobi's rotations.
inline Row symmetric_eigenvalues(Rows a) {
  const std::size_t n = a.size();
  double size = 0;
  for (const Row& row : a) {
    for (const double value : row) size += value * value;
  }
  constexpr double kNothing = 1e-16;
  for (bool turned = true; turned;) {
    turned = false;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = i + 1; j < n; ++j) {
        if (std::abs(a[i][j]) <= kNothing * std::sqrt(size) / static_cast<double>(n)) continue;
        turned = true;
        const Rotation by(a[i][i], a[j][j], a[i][j]);
        for (std::size_t k = 0; k < n; ++k) {
          const double u = a[k][i];
          a[k][i] = by.c * u - by.s * a[k][j];
          a[k][j] = by.s * u + by.c * a[k][j];
        }
        for (std::size_t k = 0; k < n; ++k) {
          const double u = a[i][k];
          a[i][k] = by.c * u - by.s * a[j][k];
          a[j][k] = by.s * u + by.c * a[j][k];
        }
        a[i][j] = a[j][i] = 0;
      }
    }
  }
  Row values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(a[i][i]);
  std::ranges::sort(values, std::greater());
  return values;
}

}  // namespace plumbline::oracle
