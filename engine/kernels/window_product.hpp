// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/core/matrix_view.hpp"

namespace plumbline {

/// The way through the terms of a sum: `lines` lines of `length` terms, the terms of a line `step`
/// values apart, the lines `line_step`.
struct Walk {
  std::size_t lines = 0;
  std::size_t length = 0;
  std::size_t step = 1;
  std::size_t line_step = 0;

  std::size_t terms() const { return lines * length; }
};

/// Places in a batch of images: number e * offsets.size() + i is data[e * stride + offsets[i]].
template <typename T>
struct Places {
  T* data = nullptr;
  std::size_t images = 0;
  std::size_t stride = 0;  ///< from image to image
  std::span<const std::size_t> offsets;

  std::size_t size() const { return images * offsets.size(); }
};

/// A matrix in panels of as many columns as a register tile has, each panel row by row.
template <typename T>
class Panels {
 public:
  /// `even_lines`: whether it is multiplied along walks whose lines have an even number of terms with
  /// step 1 alone.
  Panels(std::size_t rows, std::size_t cols, bool even_lines = false);

  std::size_t rows() const { return rows_; }
  std::size_t cols() const { return cols_; }
  /// Whether two rows each stand interleaved: with even lines, of floats whose columns are few enough
  /// that a register has room for the terms of both.
  bool in_pairs() const { return in_pairs_; }
  void set_row(std::size_t row, const T* values);
  void set_column(std::size_t col, const T* values);
  /// The columns from `col` on, which is a multiple of panel_cols(), row by row, stride() apart.
  const T* from(std::size_t col) const { return values_.data() + col * rows_; }
  std::size_t stride(std::size_t col) const;

 private:
  std::size_t rows_;
  std::size_t cols_;
  bool in_pairs_;
  std::vector<T> values_;  // zeros in the columns that fill up the last panel
};

/// c(i, j) = start(j) + sum_k a(i, k) b(k, j), where a(i, k) is what `walk` finds k terms behind place i
/// of `a`, and c(i, 0), c(i, 1), ... begin at place i of `c`: images are multiplied where they stand, as
/// if their windows had been copied to the rows of a matrix. `start` may be null, for zeros. Term 0 is
/// that of row `first_row` of b.
///
/// As in multiply() (kernels/gemm.hpp) each element is one chain of multiply-adds in rising k, at any
/// number of threads, and `c` must not overlap the rest. Where `b` is in pairs it is start(j) + (e + o)
/// with the chain e of the terms with even k, and o of the others.
void multiply_windows(const Places<const float>& a, const Walk& walk, const Panels<float>& b,
                      const float* start, const Places<float>& c, std::size_t first_row = 0);
void multiply_windows(const Places<const double>& a, const Walk& walk, const Panels<double>& b,
                      const double* start, const Places<double>& c, std::size_t first_row = 0);

/// c(i, j) = sum over images e, k of a_e(i, k) b_e(k, j), where a_e(i, k) is what `walk` finds k terms
/// behind place i of image e, and b_e is row e of `b`: a matrix of c.cols columns, row by row.
///
/// `c` is `parts` matrices of a.offsets.size() rows below each other, which take a part of the images
/// each, one chain of multiply-adds; their sum, from the first one on, is left in the first. So the
/// bits depend on the number of parts and not on that of threads.
void multiply_over_images(const Places<const float>& a, const Walk& walk,
                          const MatrixView<const float>& b, const MatrixView<float>& c,
                          std::size_t parts);
void multiply_over_images(const Places<const double>& a, const Walk& walk,
                          const MatrixView<const double>& b, const MatrixView<double>& c,
                          std::size_t parts);

}  // namespace plumbline
