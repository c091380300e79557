// SPDX-License-Identifier: Apache-2.0
#include "engine/curvature/lanczos.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include "engine/core/lapack.hpp"
#include "engine/kernels/parallel.hpp"
#include "engine/kernels/sum.hpp"

namespace plumbline {

namespace {

// Numbers that are worth a task of their own.
constexpr std::size_t kGrain = 16384;
// Of b_m over |A q|: two passes leave some roundings of what was there.
constexpr double kClosed = 64 * std::numeric_limits<double>::epsilon();
// T is decomposed again after a tenth more steps: as often as it may pay.
constexpr double kStepsBetweenLooks = 0.1;

double length(const std::vector<double>& v) { return std::sqrt(dot<double>(v, v)); }

void scale(std::vector<double>& v, double factor) {
  for (double& value : v) value *= factor;
}

}  // namespace

Lanczos::Lanczos(SymmetricOperator a, std::vector<double> start) : a_(std::move(a)) {
  const double size = length(start);
  if (!(size > 0)) throw std::invalid_argument("Lanczos starts along a vector that is not zero");
  scale(start, 1 / size);
  basis_.push_back(std::move(start));
}

double Lanczos::orthogonalize(std::vector<double>& w) const {
  const std::size_t grain = kGrain / w.size() + 1;
  std::vector<double> along(basis_.size());
  for (int pass = 0; pass < 2; ++pass) {
    in_parallel(basis_.size(), grain, [&](std::size_t first, std::size_t last) {
      for (std::size_t j = first; j < last; ++j) along[j] = dot<double>(basis_[j], w);
    });
    in_parallel(w.size(), kGrain, [&](std::size_t first, std::size_t last) {
      for (std::size_t j = 0; j < basis_.size(); ++j) {
        for (std::size_t i = first; i < last; ++i) w[i] -= along[j] * basis_[j][i];
      }
    });
  }
  return length(w);
}

// a_m = q_m . A q_m, b_m q_{m+1} = what is left of A q_m outside the basis.
void Lanczos::step() {
  if (closed_) throw std::logic_error("Lanczos has no vector to go on along");
  std::vector<double> w(basis_.back().size());
  a_(basis_.back(), w);
  diagonal_.push_back(dot<double>(basis_.back(), w));
  scale_ = std::max(scale_, length(w));
  const double b = orthogonalize(w);
  closed_ = b <= kClosed * scale_ || basis_.size() == w.size();
  off_diagonal_.push_back(closed_ ? 0 : b);
  if (closed_) return;
  scale(w, 1 / b);
  basis_.push_back(std::move(w));
}

void Lanczos::restart(std::vector<double> start) {
  if (!closed_ || basis_.size() == start.size()) throw std::logic_error("Lanczos need not restart");
  scale(start, 1 / length(start));
  const double size = orthogonalize(start);
  scale(start, 1 / size);
  basis_.push_back(std::move(start));
  closed_ = false;
}

bool Lanczos::is_finite() const {
  const auto finite = [](double x) { return std::isfinite(x); };
  return std::ranges::all_of(diagonal_, finite) && std::ranges::all_of(off_diagonal_, finite);
}

Lanczos::Ritz Lanczos::ritz() const {
  const std::size_t m = steps();
  std::vector<double> t(m * m);
  for (std::size_t i = 0; i < m; ++i) t[i * m + i] = diagonal_[i];
  for (std::size_t i = 0; i + 1 < m; ++i) t[i * m + i + 1] = off_diagonal_[i];
  std::vector<double> vectors(m * m);
  Ritz ritz{std::vector<double>(m), std::vector<double>(m), std::vector<double>(m)};
  symmetric_eigen({t.data(), m, m, m}, ritz.values, {vectors.data(), m, m, m});
  for (std::size_t k = 0; k < m; ++k) {
    ritz.error_bounds[k] = std::abs(off_diagonal_[m - 1] * vectors[k * m + m - 1]);
    ritz.weights[k] = vectors[k * m] * vectors[k * m];
  }
  return ritz;
}

LargestEigenvalues largest_eigenvalues(const SymmetricOperator& a, std::size_t n,
                                       const EigenvalueSearch& search) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  LargestEigenvalues found{std::vector<double>(search.count, kNan),
                           std::vector<double>(search.count, kNan)};
  const std::size_t most = std::min(search.iterations, n);
  const std::size_t wanted = std::min(search.count, n);
  if (most == 0 || wanted == 0) return found;

  std::uint32_t starts = 0;
  const auto next_start = [&] {
    return normal_vector(n, search.seed, RandomVector::krylov_start, starts++);
  };
  Lanczos lanczos(a, next_start());
  std::size_t next_look = wanted;
  while (true) {
    lanczos.step();
    const std::size_t m = lanczos.steps();
    if (!lanczos.is_finite()) break;
    if (m == most || m >= next_look) {
      const Lanczos::Ritz ritz = lanczos.ritz();
      double size = 0;
      double bound = 0;
      for (std::size_t k = 0; k < std::min(wanted, m); ++k) {
        found.values[k] = ritz.values[m - 1 - k];
        found.error_bounds[k] = ritz.error_bounds[m - 1 - k];
        size = std::max(size, std::abs(found.values[k]));
        bound = std::max(bound, found.error_bounds[k]);
      }
      // A closed space may lack what stands beside it.
      const bool all = !lanczos.is_closed() || m == n;
      if (m == most || (all && bound <= search.tolerance * size)) break;
      next_look = m + 1 + static_cast<std::size_t>(kStepsBetweenLooks * static_cast<double>(m));
    }
    if (lanczos.is_closed()) lanczos.restart(next_start());
  }
  found.products = lanczos.steps();
  if (!lanczos.is_finite()) {
    std::ranges::fill(found.values, kNan);
    std::ranges::fill(found.error_bounds, kNan);
  }
  return found;
}

}  // namespace plumbline
