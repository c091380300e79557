// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include "engine/core/matrix_view.hpp"

namespace plumbline {

/// Copies a square tile of 32 / sizeof(T) rows transposed: to[j * to_stride + i] = from[i *
/// from_stride + j]. The tiles must not overlap.
template <typename T>
class TileTranspose {
 public:
  static constexpr std::size_t kSize = 32 / sizeof(T);

  static void copy(const T* from, std::size_t from_stride, T* to, std::size_t to_stride) {
    copy_rows(from, from_stride, kSize, to, to_stride);
  }
  /// The same where `from` has `rows` rows alone, at most kSize: the others count as zeros.
  static void copy_rows(const T* from, std::size_t from_stride, std::size_t rows, T* to,
                        std::size_t to_stride) {
    // All loops are unrolled, which keeps the tile in registers.
    std::array<Row, kSize> tile;
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kSize; ++i) {
      tile[i].lanes = i < rows ? *reinterpret_cast<const Loose*>(from + i * from_stride) : Vector{};
    }
    exchange<kSize / 2>(tile);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kSize; ++i) {
      *reinterpret_cast<Loose*>(to + i * to_stride) = tile[i].lanes;
    }
  }

 private:
  typedef T Vector __attribute__((vector_size(32)));
  // The same at any address, as an alias of T.
  typedef T Loose __attribute__((vector_size(32), aligned(alignof(T)), may_alias));
  struct Row {
    Vector lanes;
  };

  // Eklundh's algorithm (IEEE Trans. Computers C-21, 1972): swap the off-diagonal blocks of size
  // `block` in every 2 x 2 arrangement of them, for block = n/2, n/4, ..., 1.
  template <std::size_t block>
  static void exchange(std::array<Row, kSize>& rows) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kSize; ++i) {
      if ((i & block) != 0) continue;
      const Vector upper = rows[i].lanes;
      const Vector lower = rows[i + block].lanes;
      rows[i].lanes = select<block, true>(upper, lower, std::make_index_sequence<kSize>());
      rows[i + block].lanes = select<block, false>(upper, lower, std::make_index_sequence<kSize>());
    }
    if constexpr (block > 1) exchange<block / 2>(rows);
  }

  // Element e of the new upper row comes from `upper` in the left blocks, from `lower`, one block to
  // the left, in the right ones; the new lower row is the mirror image.
  template <std::size_t block, bool is_upper, std::size_t... e>
  static Vector select(Vector upper, Vector lower, std::index_sequence<e...>) {
    constexpr auto source = [](std::size_t element) {
      const bool left = (element & block) == 0;
      if (is_upper) return static_cast<int>(left ? element : kSize + element - block);
      return static_cast<int>(left ? element + block : kSize + element);
    };
    return __builtin_shufflevector(upper, lower, source(e)...);
  }
};

/// to(j, i) = from(i, j) for all elements; the matrices must not overlap.
template <typename T>
void transpose(const MatrixView<const T>& from, const MatrixView<T>& to) {
  constexpr std::size_t kTile = TileTranspose<T>::kSize;
  const std::size_t rows = from.rows / kTile * kTile;
  const std::size_t cols = from.cols / kTile * kTile;
  for (std::size_t i = 0; i < rows; i += kTile) {
    for (std::size_t j = 0; j < cols; j += kTile) {
      TileTranspose<T>::copy(from.row(i) + j, from.stride, to.row(j) + i, to.stride);
    }
  }
  for (std::size_t i = 0; i < from.rows; ++i) {
    for (std::size_t j = i < rows ? cols : 0; j < from.cols; ++j) to(j, i) = from(i, j);
  }
}

}  // namespace plumbline
