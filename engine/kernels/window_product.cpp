// SPDX-License-Identifier: Apache-2.0
// Like the product of kernels/gemm.cpp, loops around a register tile; but the rows of a begin anywhere,
// so a tile holds a pointer to each of its rows, and one offset that walks along all of them.
#include "engine/kernels/window_product.hpp"

#include <xsimd/xsimd.hpp>

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "engine/kernels/first_lanes.hpp"
#include "engine/kernels/fused.hpp"
#include "engine/kernels/gemm.hpp"
#include "engine/kernels/lane_pairs.hpp"
#include "engine/kernels/parallel.hpp"

namespace plumbline {

namespace {

template <typename T>
using Lanes = xsimd::batch<T>;
template <typename T>
constexpr std::size_t kLanes = Lanes<T>::size;
template <typename T>
constexpr std::size_t kPanelCols = 2 * kLanes<T>;

// As many sums as the registers hold beside what they are made of, and as many rows as there are
// registers for their pointers.
constexpr std::size_t kRegisters = sizeof(Lanes<float>) == 64 ? 32 : 16;
constexpr std::size_t kNarrowRows = 9;
constexpr std::size_t kWideRows = kRegisters == 32 ? 9 : 6;

// Rows of a whose pointers are looked up together.
constexpr std::size_t kChunk = 72;
// A panel's rows for a block of lines stay in L1.
constexpr std::size_t kBlockBytes = 20 * 1024;
// Terms after which the sums over images go on to the next tile, so that these terms stay in L1.
constexpr std::size_t kBlockTerms = 256;

// The columns of the panel at `col`.
template <typename T>
std::size_t panel_stride(std::size_t cols, std::size_t col) {
  const std::size_t left = cols - col;
  if (left <= HalfBatch<T>::size) return HalfBatch<T>::size;
  return left <= kLanes<T> ? kLanes<T> : kPanelCols<T>;
}

template <typename T>
struct Tile {
  Walk walk;
  const T* const* a = nullptr;  // a place for each row
  std::size_t a_offset = 0;     // behind those
  const T* b = nullptr;
  std::size_t b_stride = 0;
  T* const* c = nullptr;
  std::size_t c_offset = 0;
  std::size_t cols = 0;
  const T* start = nullptr;
  bool goes_on = false;  // from what c holds, not from `start`
};

// Which columns of the last batch are there, as masks cost some processors more than they save.
enum class Width {
  whole,   // all
  padded,  // `cols` of c, and all of b
  partial  // `cols` of both
};

template <typename T, class L, std::size_t rows, std::size_t batches, Width width>
void run_tile(const Tile<T>& tile) {
  constexpr std::size_t kLast = (batches - 1) * L::size;
  const FirstLanes<T, L> part(tile.cols - kLast);
  const auto load_last = [&part](const T* from) {
    return width == Width::whole ? L::load_unaligned(from) : part.load(from);
  };

  const T* a[rows];      // NOLINT(cppcoreguidelines-avoid-c-arrays)
  L sum[rows][batches];  // NOLINT(cppcoreguidelines-avoid-c-arrays)
#pragma GCC unroll 16
  for (std::size_t i = 0; i < rows; ++i) a[i] = tile.a[i] + tile.a_offset;
  if (tile.goes_on) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < rows; ++i) {
      const T* from = tile.c[i] + tile.c_offset;
#pragma GCC unroll 2
      for (std::size_t v = 0; v + 1 < batches; ++v)
        sum[i][v] = L::load_unaligned(from + v * L::size);
      sum[i][batches - 1] = load_last(from + kLast);
    }
  } else {
#pragma GCC unroll 2
    for (std::size_t v = 0; v < batches; ++v) {
      const L start = tile.start == nullptr ? L(T(0))
                      : v + 1 < batches     ? L::load_unaligned(tile.start + v * L::size)
                                            : load_last(tile.start + v * L::size);
#pragma GCC unroll 16
      for (std::size_t i = 0; i < rows; ++i) sum[i][v] = start;
    }
  }

  const T* from_b = tile.b;
  const std::size_t b_stride = tile.b_stride;
  const std::size_t step = tile.walk.step;
  const std::size_t behind_line = tile.walk.line_step - tile.walk.length * step;
  std::size_t at = 0;
  for (std::size_t line = 0; line < tile.walk.lines; ++line, at += behind_line) {
    for (std::size_t k = 0; k < tile.walk.length; ++k, at += step, from_b += b_stride) {
      L b[batches];  // NOLINT(cppcoreguidelines-avoid-c-arrays)
#pragma GCC unroll 2
      for (std::size_t v = 0; v < batches; ++v) {
        b[v] = width != Width::partial || v + 1 < batches ? L::load_unaligned(from_b + v * L::size)
                                                          : part.load(from_b + v * L::size);
      }
#pragma GCC unroll 16
      for (std::size_t i = 0; i < rows; ++i) {
        const L factor(a[i][at]);
#pragma GCC unroll 2
        for (std::size_t v = 0; v < batches; ++v) {
          sum[i][v] = fused_multiply_add(factor, b[v], sum[i][v]);
        }
      }
    }
  }

#pragma GCC unroll 16
  for (std::size_t i = 0; i < rows; ++i) {
    T* to = tile.c[i] + tile.c_offset;
#pragma GCC unroll 2
    for (std::size_t v = 0; v + 1 < batches; ++v) sum[i][v].store_unaligned(to + v * L::size);
    if constexpr (width == Width::whole) {
      sum[i][batches - 1].store_unaligned(to + kLast);
    } else {
      part.store(to + kLast, sum[i][batches - 1]);
    }
  }
}

// The same for panels in pairs: neighbouring lanes hold the sums of even and odd terms of a column, so a
// load brings two terms of a row where tiles above take one.
template <class L, std::size_t rows, Width width>
void run_paired_tile(const Tile<float>& tile) {
  constexpr std::size_t batches = 2 * L::size / kLanes<float>;
  const FirstLanes<float, L> part(tile.cols);
  const float* a[rows];             // NOLINT(cppcoreguidelines-avoid-c-arrays)
  Lanes<float> sum[rows][batches];  // NOLINT(cppcoreguidelines-avoid-c-arrays)
#pragma GCC unroll 16
  for (std::size_t i = 0; i < rows; ++i) {
    a[i] = tile.a[i] + tile.a_offset;
#pragma GCC unroll 2
    for (std::size_t v = 0; v < batches; ++v) sum[i][v] = Lanes<float>(0.0F);
  }

  const float* from_b = tile.b;
  const std::size_t behind_line = tile.walk.line_step - tile.walk.length;
  std::size_t at = 0;
  for (std::size_t line = 0; line < tile.walk.lines; ++line, at += behind_line) {
    for (std::size_t k = 0; k < tile.walk.length; k += 2, at += 2, from_b += 2 * L::size) {
      Lanes<float> b[batches];  // NOLINT(cppcoreguidelines-avoid-c-arrays)
#pragma GCC unroll 2
      for (std::size_t v = 0; v < batches; ++v) {
        b[v] = Lanes<float>::load_unaligned(from_b + v * kLanes<float>);
      }
#pragma GCC unroll 16
      for (std::size_t i = 0; i < rows; ++i) {
        const Lanes<float> factors = broadcast_pair(a[i] + at);
#pragma GCC unroll 2
        for (std::size_t v = 0; v < batches; ++v) {
          sum[i][v] = fused_multiply_add(factors, b[v], sum[i][v]);
        }
      }
    }
  }

  L start(0.0F);
  if (tile.start != nullptr) {
    start = width == Width::whole ? L::load_unaligned(tile.start) : part.load(tile.start);
  }
#pragma GCC unroll 16
  for (std::size_t i = 0; i < rows; ++i) {
    L result;
    if constexpr (batches == 2) {
      result = start + add_pairs(sum[i][0], sum[i][1]);
    } else {
      result = start + add_pairs(sum[i][0]);
    }
    if constexpr (width == Width::whole) {
      result.store_unaligned(tile.c[i] + tile.c_offset);
    } else {
      part.store(tile.c[i] + tile.c_offset, result);
    }
  }
}

template <typename T>
using TileFunction = void (*)(const Tile<T>&);

template <typename T, class L, std::size_t batches, Width width, std::size_t... rows_less_1>
constexpr auto tiles(std::index_sequence<rows_less_1...>) {
  return std::array{&run_tile<T, L, rows_less_1 + 1, batches, width>...};
}

// The tile for each number of rows, from 1 on.
template <typename T, Width width>
constexpr auto kWideTiles = tiles<T, Lanes<T>, 2, width>(std::make_index_sequence<kWideRows>());
template <typename T, Width width>
constexpr auto kNarrowTiles = tiles<T, Lanes<T>, 1, width>(std::make_index_sequence<kNarrowRows>());
template <typename T, Width width>
constexpr auto kHalfTiles =
    tiles<T, HalfBatch<T>, 1, width>(std::make_index_sequence<kNarrowRows>());

template <class L, Width width, std::size_t... rows_less_1>
constexpr auto paired_tiles(std::index_sequence<rows_less_1...>) {
  return std::array{&run_paired_tile<L, rows_less_1 + 1, width>...};
}
template <Width width>
constexpr auto kPairedTiles =
    paired_tiles<Lanes<float>, width>(std::make_index_sequence<kWideRows>());
template <Width width>
constexpr auto kPairedHalfTiles =
    paired_tiles<HalfBatch<float>, width>(std::make_index_sequence<kNarrowRows>());

// Of the columns of a panel in pairs.
template <Width width>
std::span<const TileFunction<float>> paired_tiles_for(std::size_t cols) {
  if (HalfBatch<float>::size < kLanes<float> && cols <= HalfBatch<float>::size) {
    return kPairedHalfTiles<width>;
  }
  return kPairedTiles<width>;
}

// Of the least width that has room for the columns of a panel of b, or of b as it stands.
template <typename T, Width width>
std::span<const TileFunction<T>> tiles_for(std::size_t cols) {
  if (cols <= HalfBatch<T>::size) return kHalfTiles<T, width>;
  if (cols <= kLanes<T>) return kNarrowTiles<T, width>;
  return kWideTiles<T, width>;
}
template <typename T>
std::span<const TileFunction<T>> tiles_for(std::size_t cols, bool is_panel) {
  if (cols == panel_stride<T>(cols, 0)) return tiles_for<T, Width::whole>(cols);
  return is_panel ? tiles_for<T, Width::padded>(cols) : tiles_for<T, Width::partial>(cols);
}
template <typename T>
std::span<const TileFunction<T>> tiles_for(const Panels<T>& b, std::size_t cols) {
  if constexpr (std::is_same_v<T, float>) {
    if (b.in_pairs()) {
      return cols == b.stride(0) ? paired_tiles_for<Width::whole>(cols)
                                 : paired_tiles_for<Width::padded>(cols);
    }
  }
  return tiles_for<T>(cols, true);
}

// The rows of each tile where `rows` are shared out evenly among as few as there can be.
std::size_t even_height(std::size_t rows, std::size_t most) {
  const std::size_t count = (rows + most - 1) / most;
  return (rows + count - 1) / count;
}

// The pointers to places [first, first + n), image by image.
template <typename T>
void look_up(const Places<T>& places, std::size_t first, std::size_t n, T** pointers) {
  const std::size_t per_image = places.offsets.size();
  T* image = places.data + first / per_image * places.stride;
  std::size_t i = first % per_image;
  while (n > 0) {
    const std::size_t count = std::min(n, per_image - i);
    const std::size_t* offsets = places.offsets.data() + i;
    for (std::size_t k = 0; k < count; ++k) pointers[k] = image + offsets[k];
    pointers += count;
    n -= count;
    i = 0;
    image += places.stride;
  }
}

template <typename T>
void multiply_chunk(const Places<const T>& a, const Walk& walk, const Panels<T>& b, const T* start,
                    const Places<T>& c, std::size_t first_row, std::size_t first,
                    std::size_t rows) {
  std::array<const T*, kChunk> a_at;
  std::array<T*, kChunk> c_at;
  look_up(a, first, rows, a_at.data());
  look_up(c, first, rows, c_at.data());
  const std::size_t line_bytes = kPanelCols<T> * sizeof(T) * std::max<std::size_t>(walk.length, 1);
  // The two sums of a pair do not go on from one value.
  const std::size_t most_lines = b.in_pairs() ? std::max<std::size_t>(walk.lines, 1)
                                              : std::max<std::size_t>(kBlockBytes / line_bytes, 1);
  Tile<T> tile{.walk = walk};
  std::size_t line = 0;
  do {  // once at least, as sums of no terms are written too
    tile.walk.lines = std::min(most_lines, walk.lines - line);
    tile.a_offset = line * walk.line_step;
    tile.goes_on = line > 0;
    for (std::size_t j = 0; j < b.cols(); j += kPanelCols<T>) {
      tile.b_stride = b.stride(j);
      tile.b = b.from(j) + (first_row + line * walk.length) * tile.b_stride;
      tile.cols = std::min(kPanelCols<T>, b.cols() - j);
      tile.c_offset = j;
      tile.start = start == nullptr ? nullptr : start + j;
      const std::span<const TileFunction<T>> functions = tiles_for<T>(b, tile.cols);
      const std::size_t height = even_height(rows, functions.size());
      for (std::size_t i = 0; i < rows; i += height) {
        tile.a = a_at.data() + i;
        tile.c = c_at.data() + i;
        functions[std::min(height, rows - i) - 1](tile);
      }
    }
    line += most_lines;
  } while (line < walk.lines);
}

// The fewest units, of so many multiply-adds each, that are worth a task.
std::size_t grain_of(std::size_t products) {
  return std::max<std::size_t>(1, kSharedProduct / 2 / std::max<std::size_t>(products, 1));
}

template <typename T>
void multiply_all(const Places<const T>& a, const Walk& walk, const Panels<T>& b, const T* start,
                  const Places<T>& c, std::size_t first_row) {
  constexpr std::size_t kUnit = 2 * kNarrowRows;
  in_parallel(a.size(), kUnit * grain_of(kUnit * walk.terms() * b.cols()),
              [&](std::size_t first, std::size_t last) {
                for (std::size_t i = first; i < last; i += kChunk) {
                  multiply_chunk(a, walk, b, start, c, first_row, i, std::min(kChunk, last - i));
                }
              });
}

// How the sums over images are shared out: panel by panel, each tile by tile.
template <typename T>
struct Pieces {
  Pieces(std::size_t rows, std::size_t cols)
      : height(even_height(rows, cols <= kLanes<T> ? kNarrowRows : kWideRows)),
        tiles((rows + height - 1) / height),
        panels((cols + kPanelCols<T> - 1) / kPanelCols<T>) {}

  std::size_t count() const { return tiles * panels; }

  std::size_t height;
  std::size_t tiles;
  std::size_t panels;
};

// Pieces [first, last) of the sums over images [from, to).
template <typename T>
void multiply_pieces(const Places<const T>& a, const Walk& walk, const MatrixView<const T>& b,
                     const MatrixView<T>& c, const Pieces<T>& pieces, std::size_t first,
                     std::size_t last, std::size_t from, std::size_t to) {
  const std::size_t lines = std::max<std::size_t>(1, kBlockTerms / walk.length);
  std::array<const T*, kNarrowRows> a_at;
  std::array<T*, kNarrowRows> c_at;
  Tile<T> tile{.walk = walk, .a = a_at.data(), .b_stride = c.cols, .c = c_at.data()};
  for (std::size_t image = from; image < to; ++image) {
    for (std::size_t line = 0; line < walk.lines; line += lines) {
      tile.walk.lines = std::min(lines, walk.lines - line);
      tile.a_offset = line * walk.line_step;
      tile.goes_on = image > from || line > 0;
      for (std::size_t piece = first; piece < last; ++piece) {
        const std::size_t i = piece % pieces.tiles * pieces.height;
        const std::size_t j = piece / pieces.tiles * kPanelCols<T>;
        const std::size_t height = std::min(pieces.height, a.offsets.size() - i);
        for (std::size_t row = 0; row < height; ++row) {
          a_at[row] = a.data + image * a.stride + a.offsets[i + row];
          c_at[row] = c.row(i + row);
        }
        tile.b = b.row(image) + line * walk.length * c.cols + j;
        tile.c_offset = j;
        tile.cols = std::min(kPanelCols<T>, c.cols - j);
        tiles_for<T>(tile.cols, false)[height - 1](tile);
      }
    }
  }
}

template <typename T>
void sum_over_images(const Places<const T>& a, const Walk& walk, const MatrixView<const T>& b,
                     const MatrixView<T>& c, std::size_t parts) {
  const std::size_t rows = a.offsets.size();
  const Pieces<T> pieces(rows, c.cols);
  const auto part_of = [&](std::size_t part) {
    return MatrixView<T>{c.row(part * rows), rows, c.cols, c.stride};
  };
  parts = std::min(parts, a.images);
  const std::size_t all = parts * pieces.count();
  const std::size_t products = a.images * walk.terms() * rows * c.cols;
  in_parallel(all, grain_of(products / std::max<std::size_t>(all, 1)),
              [&](std::size_t first, std::size_t last) {
                for (std::size_t piece = first; piece < last;) {
                  const std::size_t part = piece / pieces.count();
                  const std::size_t begin = part * pieces.count();
                  const std::size_t end = std::min(last, begin + pieces.count());
                  multiply_pieces(a, walk, b, part_of(part), pieces, piece - begin, end - begin,
                                  a.images * part / parts, a.images * (part + 1) / parts);
                  piece = end;
                }
              });
  for (std::size_t part = 1; part < parts; ++part) {
    for (std::size_t i = 0; i < rows; ++i) {
      const T* more = part_of(part).row(i);
      T* sum = c.row(i);
      for (std::size_t j = 0; j < c.cols; ++j) sum[j] += more[j];
    }
  }
}

}  // namespace

template <typename T>
Panels<T>::Panels(std::size_t rows, std::size_t cols, bool even_lines)
    : rows_(rows),
      cols_(cols),
      in_pairs_(std::is_same_v<T, float> && even_lines && cols <= kLanes<T> && cols > 0),
      values_(rows * ((cols + kPanelCols<T> - 1) / kPanelCols<T> * kPanelCols<T>)) {}

template <typename T>
std::size_t Panels<T>::stride(std::size_t col) const {
  return panel_stride<T>(cols_, col);
}

template <typename T>
void Panels<T>::set_row(std::size_t row, const T* values) {
  if (in_pairs_) {
    T* to = values_.data() + row / 2 * 2 * stride(0) + row % 2;
    for (std::size_t j = 0; j < cols_; ++j) to[2 * j] = values[j];
    return;
  }
  for (std::size_t j = 0; j < cols_; j += kPanelCols<T>) {
    std::copy_n(values + j, std::min(kPanelCols<T>, cols_ - j),
                values_.data() + j * rows_ + row * stride(j));
  }
}

template <typename T>
void Panels<T>::set_column(std::size_t col, const T* values) {
  if (in_pairs_) {
    T* to = values_.data() + 2 * col;
    const std::size_t step = 2 * stride(0);
    for (std::size_t row = 0; row < rows_; row += 2, to += step) {
      to[0] = values[row];
      to[1] = values[row + 1];
    }
    return;
  }
  const std::size_t first = col / kPanelCols<T> * kPanelCols<T>;
  const std::size_t step = stride(first);
  T* to = values_.data() + first * rows_ + (col - first);
  for (std::size_t row = 0; row < rows_; ++row) to[row * step] = values[row];
}

template class Panels<float>;
template class Panels<double>;

void multiply_windows(const Places<const float>& a, const Walk& walk, const Panels<float>& b,
                      const float* start, const Places<float>& c, std::size_t first_row) {
  multiply_all(a, walk, b, start, c, first_row);
}
void multiply_windows(const Places<const double>& a, const Walk& walk, const Panels<double>& b,
                      const double* start, const Places<double>& c, std::size_t first_row) {
  multiply_all(a, walk, b, start, c, first_row);
}

void multiply_over_images(const Places<const float>& a, const Walk& walk,
                          const MatrixView<const float>& b, const MatrixView<float>& c,
                          std::size_t parts) {
  sum_over_images(a, walk, b, c, parts);
}
void multiply_over_images(const Places<const double>& a, const Walk& walk,
                          const MatrixView<const double>& b, const MatrixView<double>& c,
                          std::size_t parts) {
  sum_over_images(a, walk, b, c, parts);
}

}  // namespace plumbline
