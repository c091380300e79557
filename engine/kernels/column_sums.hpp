// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "engine/core/matrix_view.hpp"
#include "engine/kernels/elementwise.hpp"
#include "engine/kernels/first_lanes.hpp"

namespace plumbline {

namespace column_sums_detail {

// Rows whose terms are added in T before they go to the totals in double: few enough that their
// rounding is far below that of the terms.
inline constexpr std::size_t kRows = 32;

}  // namespace column_sums_detail

/// totals[s][j] = sum over rows i of term s of (matrix(i, j), ...), for matrices of one shape:
/// `terms(std::array<Batch<T>, n>& sums, batch...)` adds one row's terms of some columns to `sums`.
/// Rows are added in rising order, in T by blocks of 32 and the blocks in double, so that the result
/// depends on nothing but the columns.
template <std::size_t n, typename T, class Terms, class... Matrices>
void sum_columns_of(const std::array<std::span<double>, n>& totals, const Terms& terms,
                    const MatrixView<const T>& first, const Matrices&... others) {
  constexpr std::size_t kLanes = Batch<T>::size;
  for (const std::span<double> total : totals) std::ranges::fill(total, 0.0);
  std::array<std::array<T, kLanes>, n> block;
  const auto add = [&](std::size_t j, std::size_t lanes, const auto& load) {
    for (std::size_t row = 0; row < first.rows; row += column_sums_detail::kRows) {
      std::array<Batch<T>, n> sums;
      sums.fill(Batch<T>(T(0)));
      const std::size_t end = std::min(first.rows, row + column_sums_detail::kRows);
      for (std::size_t i = row; i < end; ++i) {
        terms(sums, load(first.row(i) + j), load(others.row(i) + j)...);
      }
      for (std::size_t s = 0; s < n; ++s) {
        sums[s].store_unaligned(block[s].data());
        for (std::size_t lane = 0; lane < lanes; ++lane) {
          totals[s][j + lane] += static_cast<double>(block[s][lane]);
        }
      }
    }
  };
  std::size_t j = 0;
  for (; j + kLanes <= first.cols; j += kLanes) {
    add(j, kLanes, [](const T* at) { return Batch<T>::load_unaligned(at); });
  }
  if (j == first.cols) return;
  const FirstLanes<T> part(first.cols - j);
  add(j, first.cols - j, [&part](const T* at) { return part.load(at); });
}

}  // namespace plumbline
