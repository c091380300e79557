// SPDX-License-Identifier: Apache-2.0
// A product in three loops around a register tile: blocks of k and of columns of b, packed into
// panels of one tile's width; panels; tiles of rows. A block of b stays in L2, a panel in L1, a tile
// of c in registers (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication",
// ACM TOMS 34, 2008). The rows of a are read in place.
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

constexpr std::size_t kBlockBytes = 256 * 1024;
constexpr std::size_t kBlockDepth = 256;
template <typename T>
constexpr std::size_t kBlockCols = kBlockBytes / sizeof(T) / kBlockDepth;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

// Each thread packs into a block of its own, which it keeps.
template <typename T>
T* packed_block() {
  thread_local const std::unique_ptr<T, Free> block(
      static_cast<T*>(std::aligned_alloc(64, kBlockBytes)));
  if (!block) throw std::bad_alloc();
  return block.get();
}

// What a tile does before and after its chain of products.
template <typename T>
struct Ends {
  const T* start = nullptr;  // first block of k: where the chain begins; null: zero
  bool first = true;         // else the chain goes on from what c holds
  T scale = 1;               // last block of k: the closing factor
};

// Packs depth x cols of b into a panel of kPanelCols columns, row after row, filled up with zeros.
template <typename T>
void pack_panel(const Factor<T>& b, std::size_t k0, std::size_t depth, std::size_t j0,
                std::size_t cols, T* panel) {
  constexpr std::size_t kCols = kPanelCols<T>;
  const T* from = b.data + k0 * b.row_stride + j0 * b.col_stride;
  if (b.col_stride == 1) {
    for (std::size_t k = 0; k < depth; ++k, panel += kCols, from += b.row_stride) {
      if (cols == kCols) {
#pragma GCC unroll 4
        for (std::size_t j = 0; j < kCols; j += kLanes<T>) {
          Lanes<T>::load_unaligned(from + j).store_aligned(panel + j);
        }
      } else {
        std::copy_n(from, cols, panel);
        std::fill(panel + cols, panel + kCols, T(0));
      }
    }
    return;
  }
  constexpr std::size_t kTile = TileTranspose<T>::kSize;
  for (std::size_t j = 0; j < kCols; j += kTile) {
    std::size_t k = 0;
    if (j + kTile <= cols) {
      for (; k + kTile <= depth; k += kTile) {
        TileTranspose<T>::copy(from + j * b.col_stride + k, b.col_stride, panel + k * kCols + j,
                               kCols);
      }
    }
    for (; k < depth; ++k) {
      for (std::size_t jj = j; jj < j + kTile; ++jj) {
        panel[k * kCols + jj] = jj < cols ? from[jj * b.col_stride + k] : T(0);
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

template <typename T>
void multiply_block(const Factor<T>& a, std::size_t k0, std::size_t depth, const T* block,
                    const MatrixView<T>& c, std::size_t j0, std::size_t cols, Ends<T> ends) {
  const T* start = ends.start;
  for (std::size_t j = 0; j < cols; j += kPanelCols<T>) {
    const std::size_t panel_cols = std::min(kPanelCols<T>, cols - j);
    const T* panel = block + j * depth;
    const auto& functions = panel_cols <= kLanes<T> ? kTiles<T, 1> : kTiles<T, kTileBatches>;
    ends.start = start == nullptr ? nullptr : start + j0 + j;
    for (std::size_t i = 0; i < c.rows; i += kTileRows) {
      const std::size_t rows = std::min(kTileRows, c.rows - i);
      functions[rows - 1](depth, a.data + i * a.row_stride + k0 * a.col_stride, a.row_stride,
                          a.col_stride, panel, c.row(i) + j0 + j, c.stride, panel_cols, ends);
    }
  }
}

template <typename T>
void multiply_all(const Factor<T>& a, const Factor<T>& b, const MatrixView<T>& c, const T* start,
                  T scale) {
  T* block = packed_block<T>();
  const std::size_t k_blocks = std::max<std::size_t>(1, (a.cols + kBlockDepth - 1) / kBlockDepth);
  const std::size_t block_depth = (a.cols + k_blocks - 1) / k_blocks;
  for (std::size_t j0 = 0; j0 < c.cols; j0 += kBlockCols<T>) {
    const std::size_t cols = std::min(kBlockCols<T>, c.cols - j0);
    for (std::size_t k_block = 0; k_block < k_blocks; ++k_block) {
      const std::size_t k0 = std::min(k_block * block_depth, a.cols);
      const std::size_t depth = std::min(block_depth, a.cols - k0);
      for (std::size_t j = 0; j < cols; j += kPanelCols<T>) {
        pack_panel(b, k0, depth, j0 + j, std::min(kPanelCols<T>, cols - j), block + j * depth);
      }
      const bool last = k_block + 1 == k_blocks;
      multiply_block(a, k0, depth, block, c, j0, cols,
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
