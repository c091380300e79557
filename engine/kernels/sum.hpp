// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace plumbline {

/// term(0) + ... + term(n - 1) in double. Sixteen partial sums, of which number j takes the terms i
/// with i mod 16 = j in rising order, are added pairwise: the tree depends on n alone.
template <class Term>
double sum_of(std::size_t n, const Term& term) {
  constexpr std::size_t kPartials = 16;
  std::array<double, kPartials> partials{};
  std::size_t i = 0;
  for (; i + kPartials <= n; i += kPartials) {
    for (std::size_t j = 0; j < kPartials; ++j) partials[j] += term(i + j);
  }
  for (std::size_t j = 0; i + j < n; ++j) partials[j] += term(i + j);
  for (std::size_t half = kPartials / 2; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half; ++j) partials[j] += partials[j + half];
  }
  return partials[0];
}

/// The inner product of two blocks of one length, in double.
template <typename T>
double dot(std::span<const T> a, std::span<const T> b) {
  return sum_of(a.size(), [&](std::size_t i) {
    return static_cast<double>(a[i]) * static_cast<double>(b[i]);
  });
}

}  // namespace plumbline
