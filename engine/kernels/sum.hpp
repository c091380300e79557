// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace plumbline {

/// Sixteen sums in double of which number j takes, of each row of terms that is added, the terms i with
/// i mod 16 = j in rising order. They are added pairwise, so the tree is the same on every processor.
class PartialSums {
 public:
  /// Adds term(0), ..., term(n - 1).
  template <class Term>
  void add(std::size_t n, const Term& term) {
    std::size_t i = 0;
    for (; i + kPartials <= n; i += kPartials) {
      for (std::size_t j = 0; j < kPartials; ++j) partials_[j] += term(i + j);
    }
    for (std::size_t j = 0; i + j < n; ++j) partials_[j] += term(i + j);
  }

  double total() const {
    std::array<double, kPartials> sums = partials_;
    for (std::size_t half = kPartials / 2; half > 0; half /= 2) {
      for (std::size_t j = 0; j < half; ++j) sums[j] += sums[j + half];
    }
    return sums[0];
  }

 private:
  static constexpr std::size_t kPartials = 16;

  std::array<double, kPartials> partials_{};
};

/// term(0) + ... + term(n - 1) by PartialSums: the tree depends on n alone.
template <class Term>
double sum_of(std::size_t n, const Term& term) {
  PartialSums sums;
  sums.add(n, term);
  return sums.total();
}

/// The inner product of two blocks of one length, in double.
template <typename T>
double dot(std::span<const T> a, std::span<const T> b) {
  return sum_of(a.size(), [&](std::size_t i) {
    return static_cast<double>(a[i]) * static_cast<double>(b[i]);
  });
}

}  // namespace plumbline
