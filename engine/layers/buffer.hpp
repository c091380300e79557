// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>

#include "engine/core/shape.hpp"
#include "engine/core/tensor.hpp"

namespace plumbline {

/// The row stride of a matrix of `cols` columns whose rows start on cache lines and do not all fall
/// on the same cache sets: a multiple of 64 bytes, and not of 4 KiB.
template <typename T>
std::size_t padded_stride(std::size_t cols) {
  constexpr std::size_t kLine = 64 / sizeof(T);
  constexpr std::size_t kPage = 4096 / sizeof(T);
  const std::size_t stride = (cols + kLine - 1) / kLine * kLine;
  return stride % kPage == 0 ? stride + kLine : stride;
}

/// Room for a batch: a matrix of at most so many rows. Rows of vectors are padded, and what stands in
/// the padding is finite and never read by a product; images follow each other without padding.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(std::size_t rows, const Shape& shape)
      : cols_(shape.values()),
        values_(typename Matrix<T>::shape_type{rows,
                                               shape.is_image() ? cols_ : padded_stride<T>(cols_)},
                T(0)) {}

  bool empty() const { return values_.size() == 0; }
  MatrixView<T> first_rows(std::size_t n) { return {values_.data(), n, cols_, values_.shape()[1]}; }
  MatrixView<const T> first_rows(std::size_t n) const {
    return {values_.data(), n, cols_, values_.shape()[1]};
  }

 private:
  std::size_t cols_ = 0;
  Matrix<T> values_;
};

/// Values that a Buffer has for one example of this shape, a row for each step; in the precision that pads
/// them more.
inline double buffered_values(const Shape& shape) {
  const std::size_t values = shape.values();
  const std::size_t row =
      shape.is_image() ? values
                       : std::max(padded_stride<float>(values), padded_stride<double>(values));
  return static_cast<double>(shape.steps * row);
}

/// A batch of images as one row for each pixel; a batch of vectors as it is.
template <typename T>
MatrixView<T> pixels(MatrixView<T> batch, const Shape& shape) {
  if (!shape.is_image()) return batch;
  return {batch.data, batch.rows * shape.height * shape.width, shape.channels, shape.channels};
}

}  // namespace plumbline
