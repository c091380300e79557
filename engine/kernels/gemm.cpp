// SPDX-License-Identifier: Apache-2.0
// A product in loops around a register tile: blocks of k; blocks of rows of a; columns of b in panels of
// one tile's width; tiles of rows. A block of a stays in L2, a panel of b in L1, a tile of c in
// registers (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34,
// 2008). Panels are packed, but for a b of whole rows that is small or used for few rows of a. Rows of a
// that lie in one piece are read in place; transposed ones are packed where they outgrow L2, as each k
// is on a page of its own.
#include "engine/kernels/gemm.hpp"

#include <xsimd/xsimd.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>

#include "engine/kernels/first_lanes.hpp"
#include "engine/kernels/fused.hpp"
#include "engine/kernels/parallel.hpp"
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
// Tiles of one batch are higher, so that as many sums are on their way at once.
constexpr std::size_t kNarrowTileRows = 12;
template <typename T>
constexpr std::size_t kPanelCols = kTileBatches * kLanes<T>;

// A panel and a tile's rows of a fill L1, or nearly so.
constexpr std::size_t kBlockDepth = kRegisters == 32 ? 256 : 384;
// A block of a, half of the L2 of small cores; and all panels of b for a block of k, from L3.
constexpr std::size_t kRowBlockBytes = 256 * 1024;
constexpr std::size_t kPanelBytes = 1024 * 1024;
// Rows of b that stay in L1 serve as they are, without packing; and so do more of them where there
// are few rows of a to pay for it.
constexpr std::size_t kInPlaceBytes = 32 * 1024;
constexpr std::size_t kFewRows = 128;
constexpr std::size_t kFewRowsBytes = 512 * 1024;
// Panels that are packed together.
template <typename T>
constexpr std::size_t kGroupCols = 8 * kPanelCols<T>;
template <typename T>
constexpr std::size_t kBlockCols =
    kPanelBytes / sizeof(T) / kBlockDepth / kGroupCols<T> * kGroupCols<T>;

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
  bool* finite = nullptr;    // last block of k: what becomes false where a result is not finite
};

// Packs depth x cols of b, whose rows lie in one piece, into panels of kPanelCols columns, each k by
// k, the last one filled up with zeros. Rows are read in pieces as long as all panels together: a page
// holds few of them.
template <typename T>
void pack_rows_of_b(const T* from, std::size_t stride, std::size_t depth, std::size_t cols,
                    T* panels) {
  constexpr std::size_t kCols = kPanelCols<T>;
  const std::size_t whole = cols / kCols * kCols;
  const std::size_t left = cols - whole;
  const FirstLanes<T> part(left % kLanes<T>);
  for (std::size_t k = 0; k < depth; ++k, from += stride) {
    T* to = panels + k * kCols;
    for (std::size_t j = 0; j < whole; j += kCols, to += depth * kCols) {
#pragma GCC unroll 4
      for (std::size_t v = 0; v < kCols; v += kLanes<T>) {
        Lanes<T>::load_unaligned(from + j + v).store_aligned(to + v);
      }
    }
    if (left == 0) continue;
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kCols; v += kLanes<T>) {
      const T* at = from + whole + v;
      const Lanes<T> lanes = v + kLanes<T> <= left ? Lanes<T>::load_unaligned(at)
                             : v < left            ? part.load(at)
                                                   : Lanes<T>(T(0));
      lanes.store_aligned(to + v);
    }
  }
}

// The same where the columns of b lie in one piece, column j at from + j * stride. The last tile of k
// overlaps the one before it rather than end in the middle.
template <typename T>
void pack_columns_of_b(const T* from, std::size_t stride, std::size_t depth, std::size_t cols,
                       T* panels) {
  constexpr std::size_t kCols = kPanelCols<T>;
  constexpr std::size_t kTile = TileTranspose<T>::kSize;
  constexpr std::size_t kTilesAhead = 4;
  for (std::size_t j = 0; j < (cols + kLanes<T> - 1) / kLanes<T> * kLanes<T>; j += kTile) {
    const T* at = from + j * stride;
    T* to = panels + j / kCols * kCols * depth + j % kCols;
    const std::size_t tile_cols = std::min(kTile, cols - std::min(j, cols));
    if (depth < kTile) {
      for (std::size_t k = 0; k < depth; ++k) {
        for (std::size_t jj = 0; jj < kTile; ++jj) {
          to[k * kCols + jj] = jj < tile_cols ? at[jj * stride + k] : T(0);
        }
      }
      continue;
    }
    for (std::size_t next = 0; next < depth; next += kTile) {
      const std::size_t k = std::min(next, depth - kTile);
      // Their lines are far apart, in a pattern that no prefetcher of the processor sees.
      for (std::size_t jj = 0; jj < tile_cols; ++jj) {
        __builtin_prefetch(at + jj * stride + k + kTilesAhead * kTile);
      }
      if (tile_cols == kTile) {
        TileTranspose<T>::copy(at + k, stride, to + k * kCols, kCols);
      } else {
        TileTranspose<T>::copy_rows(at + k, stride, tile_cols, to + k * kCols, kCols);
      }
    }
  }
}

template <typename T>
void pack_panels(const Factor<T>& b, std::size_t k0, std::size_t depth, std::size_t j0,
                 std::size_t cols, T* panels) {
  const T* from = b.data + k0 * b.row_stride + j0 * b.col_stride;
  if (b.col_stride == 1) {
    pack_rows_of_b(from, b.row_stride, depth, cols, panels);
  } else {
    pack_columns_of_b(from, b.col_stride, depth, cols, panels);
  }
}

// The rows of the next tile where `left` are left: `most`, but the last two tiles share theirs evenly, as
// a low one has too few sums on their way to keep the processor busy.
std::size_t tile_height(std::size_t left, std::size_t most) {
  if (left <= most) return left;
  return left >= 2 * most ? most : (left + 1) / 2;
}

// Packs rows x depth of a transposed factor tile after tile, each k by k.
template <typename T>
void pack_rows(const Factor<T>& a, std::size_t i0, std::size_t rows, std::size_t k0,
               std::size_t depth, T* packed) {
  std::size_t height = 0;
  for (std::size_t i = 0; i < rows; i += height) {
    height = tile_height(rows - i, kTileRows);
    const T* from = a.data + (i0 + i) + k0 * a.col_stride;
    for (std::size_t k = 0; k < depth; ++k, from += a.col_stride, packed += height) {
      if (height == kTileRows) {
        std::copy_n(from, kTileRows, packed);  // of a constant length, so without a loop
      } else {
        std::copy_n(from, height, packed);
      }
    }
  }
}

// c (rows x cols) of one tile, cols at most batches * L::size. Columns beyond `cols` are computed from
// the panel's zeros and dropped.
template <typename T, class L, std::size_t rows, std::size_t batches>
void tile(std::size_t depth, const T* a, std::size_t row_stride, std::size_t col_stride,
          const T* panel, std::size_t panel_stride, T* c, std::size_t stride, std::size_t cols,
          const Ends<T>& ends) {
  // Columns may be missing of the last batch alone.
  constexpr std::size_t kLast = (batches - 1) * L::size;
  const FirstLanes<T, L> part(cols - kLast);

  // The unrolled loops keep the sums in registers from the first load to the last store. No function
  // object may see the array, or the compiler keeps a copy of it in memory.
  L sum[rows][batches];  // NOLINT(cppcoreguidelines-avoid-c-arrays)
  const T* from = ends.first ? ends.start : c;
  const std::size_t from_stride = ends.first ? 0 : stride;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < rows; ++i) {
    const T* row = from + i * from_stride;
#pragma GCC unroll 4
    for (std::size_t v = 0; v < batches; ++v) {
      sum[i][v] = from == nullptr   ? L(T(0))
                  : v + 1 < batches ? L::load_unaligned(row + v * L::size)
                                    : part.load(row + v * L::size);
    }
  }

  // What the results will overwrite is on its way here meanwhile.
#pragma GCC unroll 16
  for (std::size_t i = 0; i < rows; ++i) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < batches; ++v) __builtin_prefetch(c + i * stride + v * L::size, 1);
  }

  // Three rows by one pointer and scaled strides, so that all of them stay in registers.
  constexpr std::size_t kGroup = 3;
  const T* at[(rows + kGroup - 1) / kGroup];
#pragma GCC unroll 4
  for (std::size_t g = 0; g < (rows + kGroup - 1) / kGroup; ++g)
    at[g] = a + g * kGroup * row_stride;
  for (std::size_t k = 0; k < depth; ++k) {
    L b[batches];  // NOLINT(cppcoreguidelines-avoid-c-arrays)
#pragma GCC unroll 4
    for (std::size_t v = 0; v < batches; ++v) {
      b[v] = L::load_unaligned(panel + k * panel_stride + v * L::size);
    }
#pragma GCC unroll 16
    for (std::size_t i = 0; i < rows; ++i) {
      const L factor(at[i / kGroup][i % kGroup * row_stride]);
#pragma GCC unroll 4
      for (std::size_t v = 0; v < batches; ++v)
        sum[i][v] = fused_multiply_add(factor, b[v], sum[i][v]);
    }
#pragma GCC unroll 4
    for (const T*& pointer : at) pointer += col_stride;
  }

  if (ends.scale != T(1)) {
    const L scale(ends.scale);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < rows; ++i) {
#pragma GCC unroll 4
      for (std::size_t v = 0; v < batches; ++v) sum[i][v] *= scale;
    }
  }
  if (ends.finite != nullptr) {
    // x * 0 is 0 for finite x and NaN for all others, and a sum with NaN in it is NaN.
    L zero(T(0));
#pragma GCC unroll 16
    for (std::size_t i = 0; i < rows; ++i) {
#pragma GCC unroll 4
      for (std::size_t v = 0; v < batches; ++v) zero += sum[i][v] * L(T(0));
    }
    if (!xsimd::all(zero == L(T(0)))) *ends.finite = false;
  }
#pragma GCC unroll 16
  for (std::size_t i = 0; i < rows; ++i) {
    T* row = c + i * stride;
#pragma GCC unroll 4
    for (std::size_t v = 0; v + 1 < batches; ++v) sum[i][v].store_unaligned(row + v * L::size);
    part.store(row + kLast, sum[i][batches - 1]);
  }
}

template <typename T>
using TileFunction = void (*)(std::size_t, const T*, std::size_t, std::size_t, const T*,
                              std::size_t, T*, std::size_t, std::size_t, const Ends<T>&);

template <typename T, class L, std::size_t batches, std::size_t... rows_less_1>
constexpr auto tiles(std::index_sequence<rows_less_1...>) {
  return std::array{&tile<T, L, rows_less_1 + 1, batches>...};
}

// The tile for each number of rows, from 1 on.
template <typename T>
constexpr std::array<TileFunction<T>, kTileRows> kTiles =
    tiles<T, Lanes<T>, kTileBatches>(std::make_index_sequence<kTileRows>());
template <typename T>
constexpr std::array<TileFunction<T>, kNarrowTileRows> kNarrowTiles =
    tiles<T, Lanes<T>, 1>(std::make_index_sequence<kNarrowTileRows>());
template <typename T>
constexpr std::array<TileFunction<T>, kNarrowTileRows> kHalfTiles =
    tiles<T, HalfBatch<T>, 1>(std::make_index_sequence<kNarrowTileRows>());

// Of the least width that has room for the columns.
template <typename T>
std::span<const TileFunction<T>> tiles_for(std::size_t cols) {
  if (cols <= HalfBatch<T>::size) return kHalfTiles<T>;
  if (cols <= kLanes<T>) return kNarrowTiles<T>;
  return kTiles<T>;
}

// Where a block of rows of a stands.
template <typename T>
struct Rows {
  const T* data = nullptr;
  std::size_t row_stride = 0;
  std::size_t col_stride = 0;
  bool packed = false;  // by pack_rows(); then the strides mean nothing
};

// Columns of b, k by k: `stride` apart.
template <typename T>
struct Panel {
  const T* data = nullptr;
  std::size_t stride = kPanelCols<T>;
};

// The rows of `a`'s block and one panel of b; `c` has the block's rows and the panel's columns.
template <typename T>
void multiply_panel(const Rows<T>& a, std::size_t depth, const Panel<T>& panel,
                    const MatrixView<T>& c, const Ends<T>& ends) {
  // A batch and at most half of another one: two tiles that fit rather than one that is nearly half empty.
  constexpr std::size_t kHalf = HalfBatch<T>::size;
  if (kHalf < kLanes<T> && c.cols > kLanes<T> && c.cols <= kLanes<T> + kHalf) {
    multiply_panel(a, depth, panel, {c.data, c.rows, kLanes<T>, c.stride}, ends);
    Ends<T> rest = ends;
    if (rest.start != nullptr) rest.start += kLanes<T>;
    multiply_panel(a, depth, Panel<T>{panel.data + kLanes<T>, panel.stride},
                   {c.data + kLanes<T>, c.rows, c.cols - kLanes<T>, c.stride}, rest);
    return;
  }
  const bool narrow = c.cols <= kLanes<T>;
  const std::span<const TileFunction<T>> functions = tiles_for<T>(c.cols);
  const std::size_t most = narrow && !a.packed ? kNarrowTileRows : kTileRows;
  std::size_t height = 0;
  for (std::size_t i = 0; i < c.rows; i += height) {
    height = tile_height(c.rows - i, most);
    const T* from = a.data + i * (a.packed ? depth : a.row_stride);
    functions[height - 1](depth, from, a.packed ? 1 : a.row_stride,
                          a.packed ? height : a.col_stride, panel.data, panel.stride, c.row(i),
                          c.stride, c.cols, ends);
  }
}

// The rows of a in one block: whole tiles, and as many blocks of nearly one size as L2 asks for.
template <typename T>
std::size_t rows_of_block(std::size_t rows, std::size_t depth) {
  const std::size_t row_bytes = std::max<std::size_t>(depth, 1) * sizeof(T);
  const std::size_t most = std::max(kRowBlockBytes / row_bytes / kTileRows, std::size_t{1});
  const std::size_t all_tiles = (rows + kTileRows - 1) / kTileRows;
  const std::size_t blocks = std::max<std::size_t>(1, (all_tiles + most - 1) / most);
  return (all_tiles + blocks - 1) / blocks * kTileRows;
}

template <typename T>
void multiply_block(const Factor<T>& a, const Factor<T>& b, const MatrixView<T>& c, std::size_t k0,
                    std::size_t depth, std::size_t j0, std::size_t cols, Ends<T> ends) {
  const Workspace<T>& space = workspace<T>();
  const std::size_t most_rows = rows_of_block<T>(c.rows, depth);
  const bool packs_rows = a.col_stride != 1 && c.rows > most_rows;
  const std::size_t bytes_of_b = depth * b.row_stride * sizeof(T);
  const bool in_place =
      b.col_stride == 1 && bytes_of_b <= (c.rows <= kFewRows ? kFewRowsBytes : kInPlaceBytes);
  const T* start = ends.start;
  for (std::size_t i0 = 0; i0 < c.rows; i0 += most_rows) {
    const std::size_t rows = std::min(most_rows, c.rows - i0);
    Rows<T> block{a.data + i0 * a.row_stride + k0 * a.col_stride, a.row_stride, a.col_stride};
    if (packs_rows) {
      pack_rows(a, i0, rows, k0, depth, space.rows.get());
      block = {space.rows.get(), 0, 0, true};
    }
    for (std::size_t g = 0; g < cols; g += kGroupCols<T>) {
      // Panels that one block of rows alone needs are used up while they are near.
      T* group = space.panels.get() + (c.rows > most_rows ? g * depth : 0);
      const std::size_t group_cols = std::min(kGroupCols<T>, cols - g);
      // A last panel too whose tiles read none but its own columns.
      const std::size_t unread =
          group_cols % HalfBatch<T>::size == 0 ? 0 : group_cols % kPanelCols<T>;
      const std::size_t placed = in_place ? group_cols - unread : 0;
      if (i0 == 0) {
        pack_panels(b, k0, depth, j0 + g + placed, group_cols - placed, group + placed * depth);
      }
      for (std::size_t j = 0; j < group_cols; j += kPanelCols<T>) {
        ends.start = start == nullptr ? nullptr : start + j0 + g + j;
        const Panel<T> panel = j < placed
                                   ? Panel<T>{b.data + k0 * b.row_stride + j0 + g + j, b.row_stride}
                                   : Panel<T>{group + j * depth};
        multiply_panel(
            block, depth, panel,
            {c.row(i0) + j0 + g + j, rows, std::min(kPanelCols<T>, group_cols - j), c.stride},
            ends);
      }
    }
  }
}

// The whole product, on the calling thread.
template <typename T>
void multiply_piece(const Factor<T>& a, const Factor<T>& b, const MatrixView<T>& c, Start<T> start,
                    T scale, bool* finite) {
  const std::size_t k_blocks = std::max<std::size_t>(1, (a.cols + kBlockDepth - 1) / kBlockDepth);
  const std::size_t block_depth = (a.cols + k_blocks - 1) / k_blocks;
  for (std::size_t j0 = 0; j0 < c.cols; j0 += kBlockCols<T>) {
    const std::size_t cols = std::min(kBlockCols<T>, c.cols - j0);
    for (std::size_t k_block = 0; k_block < k_blocks; ++k_block) {
      const std::size_t k0 = std::min(k_block * block_depth, a.cols);
      const bool last = k_block + 1 == k_blocks;
      multiply_block(a, b, c, k0, std::min(block_depth, a.cols - k0), j0, cols,
                     Ends<T>{start.row, k_block == 0 && !start.goes_on, last ? scale : T(1),
                             last ? finite : nullptr});
    }
  }
}

// Multiply-adds that are worth a task of their own: some 10 us or more.
constexpr std::size_t kTaskProducts = kSharedProduct / 2;

// The fewest whole units of a dimension that are worth a task, where one unit costs `products`.
std::size_t grain_of(std::size_t unit, std::size_t products) {
  return unit * std::max<std::size_t>(1, kTaskProducts / std::max<std::size_t>(products * unit, 1));
}

// Columns are shared out where they make enough pieces, or as many as rows do: then no panel is packed
// twice.
template <typename T>
void multiply_all(const Factor<T>& a, const Factor<T>& b, const MatrixView<T>& c, Start<T> start,
                  T scale, bool* finite) {
  std::atomic<bool> all_finite = true;
  const auto piece = [&](std::size_t i, std::size_t rows, std::size_t j, std::size_t cols) {
    bool piece_finite = true;
    Start<T> from = start;
    if (from.row != nullptr) from.row += j;
    multiply_piece<T>({a.data + i * a.row_stride, rows, a.cols, a.row_stride, a.col_stride},
                      {b.data + j * b.col_stride, b.rows, cols, b.row_stride, b.col_stride},
                      {c.row(i) + j, rows, cols, c.stride}, from, scale,
                      finite == nullptr ? nullptr : &piece_finite);
    if (!piece_finite) all_finite.store(false, std::memory_order_relaxed);
  };
  const std::size_t col_grain = grain_of(2 * kPanelCols<T>, c.rows * a.cols);
  const std::size_t row_grain = grain_of(2 * kTileRows, c.cols * a.cols);
  const std::size_t col_pieces = (c.cols + col_grain - 1) / col_grain;
  const std::size_t row_pieces = (c.rows + row_grain - 1) / row_grain;
  if (col_pieces >= std::min(row_pieces, static_cast<std::size_t>(threads_per_call()))) {
    in_parallel(c.cols, col_grain, [&](std::size_t first, std::size_t last) {
      piece(0, c.rows, first, last - first);
    });
  } else {
    in_parallel(c.rows, row_grain, [&](std::size_t first, std::size_t last) {
      piece(first, last - first, 0, c.cols);
    });
  }
  if (!all_finite) *finite = false;
}

}  // namespace

void multiply(const Factor<float>& a, const Factor<float>& b, const MatrixView<float>& c,
              Start<float> start, float scale, bool* finite) {
  multiply_all(a, b, c, start, scale, finite);
}

void multiply(const Factor<double>& a, const Factor<double>& b, const MatrixView<double>& c,
              Start<double> start, double scale, bool* finite) {
  multiply_all(a, b, c, start, scale, finite);
}

}  // namespace plumbline
