// SPDX-License-Identifier: Apache-2.0
// A product in loops around a register tile: blocks of k; blocks of rows of a; columns of b, packed
// into panels of one tile's width; tiles of rows. A block of a stays in L2, a panel of b in L1, a tile
// of c in registers (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication",
// ACM TOMS 34, 2008). Rows of a that lie in one piece are read in place; transposed ones, where each
// k is on a page of its own, are packed.
#include "engine/kernels/gemm.hpp"

#include <xsimd/xsimd.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

#include "engine/kernels/fused.hpp"
#include "engine/kernels/transpose.hpp"

namespace plumbline {

namespace {

template <typename T>
using Lanes = xsimd::batch<T>;
template <typename T>
constexpr std::size_t kLanes = Lanes<T>::size;

// A tile of kTileRows x (2 batches) leaves a few registers for b and the broadcast of a.
constexpr std::size_t kRegisters = sizeof(Lanes<float>) == 64 ? 32 : 16;
constexpr std::size_t kTileRows = kRegisters == 32 ? 12 : 6;
constexpr std::size_t kTileBatches = 2;
template <typename T>
constexpr std::size_t kPanelCols = kTileBatches * kLanes<T>;

constexpr std::size_t kBlockDepth = 256;
// A block of a, half of the L2 of small cores; and all panels of b for a block of k, from L3.
constexpr std::size_t kRowBlockBytes = 128 * 1024;
constexpr std::size_t kPanelBytes = 1024 * 1024;
template <typename T>
constexpr std::size_t kBlockCols = kPanelBytes / sizeof(T) / kBlockDepth;
// Panels that are packed together.
template <typename T>
constexpr std::size_t kGroupCols = 8 * kPanelCols<T>;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

template <typename T>
std::unique_ptr<T, Free> aligned_block(std::size_t bytes) {
  std::unique_ptr<T, Free> block(static_cast<T*>(std::aligned_alloc(64, bytes)));
  if (!block) throw std::bad_alloc();
  return block;
}

// Each thread packs into blocks of its own, which it keeps.
template <typename T>
struct Workspace {
  std::unique_ptr<T, Free> rows = aligned_block<T>(kRowBlockBytes);
  std::unique_ptr<T, Free> panels = aligned_block<T>(kPanelBytes);
};

template <typename T>
const Workspace<T>& workspace() {
  thread_local const Workspace<T> space;
  return space;
}

// What a tile does before and after its chain of products.
template <typename T>
struct Ends {
  const T* start = nullptr;  // first block of k: where the chain begins; null: zero
  bool first = true;         // else the chain goes on from what c holds
  T scale = 1;               // last block of k: the closing factor
};

// Packs depth x cols of b into panels of kPanelCols columns, each k by k, the last one filled up with
// zeros. Rows of b are read in pieces as long as all panels together: a page holds few of them.
template <typename T>
void pack_panels(const Factor<T>& b, std::size_t k0, std::size_t depth, std::size_t j0,
                 std::size_t cols, T* panels) {
  constexpr std::size_t kCols = kPanelCols<T>;
  const std::size_t whole = cols / kCols * kCols;
  const T* from = b.data + k0 * b.row_stride + j0 * b.col_stride;
  if (b.col_stride == 1) {
    for (std::size_t k = 0; k < depth; ++k, from += b.row_stride) {
      T* to = panels + k * kCols;
      for (std::size_t j = 0; j < whole; j += kCols, to += depth * kCols) {
#pragma GCC unroll 4
        for (std::size_t v = 0; v < kCols; v += kLanes<T>) {
          Lanes<T>::load_unaligned(from + j + v).store_aligned(to + v);
        }
      }
      if (whole < cols) {
        std::copy(from + whole, from + cols, to);
        std::fill(to + (cols - whole), to + kCols, T(0));
      }
    }
    return;
  }
  constexpr std::size_t kTile = TileTranspose<T>::kSize;
  for (std::size_t j = 0; j < (cols + kCols - 1) / kCols * kCols; j += kTile) {
    T* panel = panels + j / kCols * kCols * depth + j % kCols;
    std::size_t k = 0;
    if (j + kTile <= cols) {
      for (; k + kTile <= depth; k += kTile) {
        TileTranspose<T>::copy(from + j * b.col_stride + k, b.col_stride, panel + k * kCols, kCols);
      }
    }
    for (; k < depth; ++k) {
      for (std::size_t jj = 0; jj < kTile; ++jj) {
        panel[k * kCols + jj] = j + jj < cols ? from[(j + jj) * b.col_stride + k] : T(0);
      }
    }
  }
}

// Packs rows x depth of a transposed factor tile after tile, each k by k.
template <typename T>
void pack_rows(const Factor<T>& a, std::size_t i0, std::size_t rows, std::size_t k0,
               std::size_t depth, T* packed) {
  for (std::size_t i = 0; i < rows; i += kTileRows) {
    const std::size_t tile_rows = std::min(kTileRows, rows - i);
    const T* from = a.data + (i0 + i) + k0 * a.col_stride;
    for (std::size_t k = 0; k < depth; ++k, from += a.col_stride, packed += kTileRows) {
      if (tile_rows == kTileRows) {
        std::copy_n(from, kTileRows, packed);  // of a constant length, so without a loop
      } else {
        std::copy_n(from, tile_rows, packed);
      }
    }
  }
}

// c (rows x cols) of one tile, cols at most batches * kLanes. Columns beyond `cols` are computed
// from the panel's zeros and dropped.
template <typename T, std::size_t rows, std::size_t batches>
void tile(std::size_t depth, const T* a, std::size_t row_stride, std::size_t col_stride,
          const T* panel, T* c, std::size_t stride, std::size_t cols, const Ends<T>& ends) {
  constexpr std::size_t kWidth = batches * kLanes<T>;
  const bool whole = cols == kWidth;
  alignas(64) std::array<T, kWidth> edge;
  if (!whole) edge.fill(T(0));

  // The unrolled loops keep the sums in registers from the first load to the last store.
  std::array<std::array<Lanes<T>, batches>, rows> sum;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < rows; ++i) {
    const T* from = ends.first ? ends.start : c + i * stride;
    if (!whole && from != nullptr) {
      std::copy_n(from, cols, edge.begin());
      from = edge.data();
    }
#pragma GCC unroll 4
    for (std::size_t v = 0; v < batches; ++v) {
      sum[i][v] = from == nullptr ? Lanes<T>(T(0)) : Lanes<T>::load_unaligned(from + v * kLanes<T>);
    }
  }

  for (std::size_t k = 0; k < depth; ++k) {
    std::array<Lanes<T>, batches> b;
#pragma GCC unroll 4
    for (std::size_t v = 0; v < batches; ++v) {
      b[v] = Lanes<T>::load_aligned(panel + k * kPanelCols<T> + v * kLanes<T>);
    }
    const T* column = a + k * col_stride;
#pragma GCC unroll 16
    for (std::size_t i = 0; i < rows; ++i) {
      const Lanes<T> factor(column[i * row_stride]);
#pragma GCC unroll 4
      for (std::size_t v = 0; v < batches; ++v)
        sum[i][v] = fused_multiply_add(factor, b[v], sum[i][v]);
    }
  }

  const Lanes<T> scale(ends.scale);
#pragma GCC unroll 16
  for (std::size_t i = 0; i < rows; ++i) {
    T* to = whole ? c + i * stride : edge.data();
#pragma GCC unroll 4
    for (std::size_t v = 0; v < batches; ++v) {
      (sum[i][v] * scale).store_unaligned(to + v * kLanes<T>);
    }
    if (!whole) std::copy_n(edge.begin(), cols, c + i * stride);
  }
}

template <typename T>
using TileFunction = void (*)(std::size_t, const T*, std::size_t, std::size_t, const T*, T*,
                              std::size_t, std::size_t, const Ends<T>&);

template <typename T, std::size_t batches, std::size_t... rows_less_1>
constexpr auto tiles(std::index_sequence<rows_less_1...>) {
  return std::array<TileFunction<T>, kTileRows>{&tile<T, rows_less_1 + 1, batches>...};
}

// The tile for each number of rows, from 1 to kTileRows.
template <typename T, std::size_t batches>
constexpr auto kTiles = tiles<T, batches>(std::make_index_sequence<kTileRows>());

// Where the tiles of a block of rows of a stand.
template <typename T>
struct Rows {
  const T* data = nullptr;
  std::size_t tile_stride = 0;
  std::size_t row_stride = 0;
  std::size_t col_stride = 0;
};

template <typename T>
void multiply_panel(const Rows<T>& a, std::size_t depth, const T* panel, const MatrixView<T>& c,
                    const Ends<T>& ends) {
  const auto& functions = c.cols <= kLanes<T> ? kTiles<T, 1> : kTiles<T, kTileBatches>;
  const T* tile_of_a = a.data;
  for (std::size_t i = 0; i < c.rows; i += kTileRows, tile_of_a += a.tile_stride) {
    functions[std::min(kTileRows, c.rows - i) - 1](depth, tile_of_a, a.row_stride, a.col_stride,
                                                   panel, c.row(i), c.stride, c.cols, ends);
  }
}

template <typename T>
void multiply_block(const Factor<T>& a, const Factor<T>& b, const MatrixView<T>& c, std::size_t k0,
                    std::size_t depth, std::size_t j0, std::size_t cols, Ends<T> ends) {
  const Workspace<T>& space = workspace<T>();
  const std::size_t most_rows =
      std::max<std::size_t>(
          1, kRowBlockBytes / sizeof(T) / std::max<std::size_t>(depth, 1) / kTileRows) *
      kTileRows;
  const bool packs_rows = a.col_stride != 1 && c.rows > most_rows;
  const T* start = ends.start;
  for (std::size_t i0 = 0; i0 < c.rows; i0 += most_rows) {
    const std::size_t rows = std::min(most_rows, c.rows - i0);
    Rows<T> block{a.data + i0 * a.row_stride + k0 * a.col_stride, kTileRows * a.row_stride,
                  a.row_stride, a.col_stride};
    if (packs_rows) {
      pack_rows(a, i0, rows, k0, depth, space.rows.get());
      block = {space.rows.get(), kTileRows * depth, 1, kTileRows};
    }
    for (std::size_t g = 0; g < cols; g += kGroupCols<T>) {
      // Panels that one block of rows alone needs are used up while they are near.
      T* group = space.panels.get() + (c.rows > most_rows ? g * depth : 0);
      const std::size_t group_cols = std::min(kGroupCols<T>, cols - g);
      if (i0 == 0) pack_panels(b, k0, depth, j0 + g, group_cols, group);
      for (std::size_t j = 0; j < group_cols; j += kPanelCols<T>) {
        ends.start = start == nullptr ? nullptr : start + j0 + g + j;
        multiply_panel(
            block, depth, group + j * depth,
            {c.row(i0) + j0 + g + j, rows, std::min(kPanelCols<T>, group_cols - j), c.stride},
            ends);
      }
    }
  }
}

template <typename T>
void multiply_all(const Factor<T>& a, const Factor<T>& b, const MatrixView<T>& c, const T* start,
                  T scale) {
  const std::size_t k_blocks = std::max<std::size_t>(1, (a.cols + kBlockDepth - 1) / kBlockDepth);
  const std::size_t block_depth = (a.cols + k_blocks - 1) / k_blocks;
  for (std::size_t j0 = 0; j0 < c.cols; j0 += kBlockCols<T>) {
    const std::size_t cols = std::min(kBlockCols<T>, c.cols - j0);
    for (std::size_t k_block = 0; k_block < k_blocks; ++k_block) {
      const std::size_t k0 = std::min(k_block * block_depth, a.cols);
      const bool last = k_block + 1 == k_blocks;
      multiply_block(a, b, c, k0, std::min(block_depth, a.cols - k0), j0, cols,
                     Ends<T>{start, k_block == 0, last ? scale : T(1)});
    }
  }
}

}  // namespace

void multiply(const Factor<float>& a, const Factor<float>& b, const MatrixView<float>& c,
              const float* start, float scale) {
  multiply_all(a, b, c, start, scale);
}

void multiply(const Factor<double>& a, const Factor<double>& b, const MatrixView<double>& c,
              const double* start, double scale) {
  multiply_all(a, b, c, start, scale);
}

}  // namespace plumbline
