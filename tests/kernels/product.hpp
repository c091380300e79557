// SPDX-License-Identifier: Apache-2.0
// A product of matrices with everything that gemm promises to respect around it, and its oracle.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "engine/core/random.hpp"
#include "engine/kernels/gemm.hpp"
#include "engine/kernels/instruction_set.hpp"

namespace plumbline {

/// Which factors stand transposed in memory.
enum class Layout { neither, left, right, both };

struct ProductShape {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t depth = 0;
  Layout layout = Layout::neither;
  /// Elements between the end of a row and the next row, in all three matrices.
  std::size_t padding = 3;
};

/// c = scale * (start + a b). What stands between the rows of the factors is NaN, which a product
/// that read it would show; what stands between and around the rows of c is kUntouched. All arrays
/// begin one element behind an aligned address.
template <typename T>
class Product {
 public:
  static constexpr T kUntouched = T(-7.25);

  Product(const ProductShape& shape, std::int64_t seed)
      : shape_(shape),
        a_(factor(shape.rows, shape.depth, transposed_left(), seed, 1)),
        b_(factor(shape.depth, shape.cols, transposed_right(), seed, 2)),
        start_(shape.cols),
        c_(2 + shape.rows * result_stride(), kUntouched) {
    Random random(seed, RandomStream::noise, 3);
    for (T& value : start_) value = draw(random);
  }

  const ProductShape& shape() const { return shape_; }
  std::vector<T>& start() { return start_; }
  T& a(std::size_t i, std::size_t k) {
    return a_.data[1 + (transposed_left() ? k * a_.stride + i : i * a_.stride + k)];
  }
  T& b(std::size_t k, std::size_t j) {
    return b_.data[1 + (transposed_right() ? j * b_.stride + k : k * b_.stride + j)];
  }

  Factor<T> left() const { return as_factor(a_, shape_.rows, shape_.depth, transposed_left()); }
  Factor<T> right() const { return as_factor(b_, shape_.depth, shape_.cols, transposed_right()); }
  MatrixView<T> result() { return {c_.data() + 1, shape_.rows, shape_.cols, result_stride()}; }
  /// The whole array that the result stands in.
  const std::vector<T>& around() const { return c_; }
  void clear() { c_.assign(c_.size(), kUntouched); }

  /// What around() should be after a product: one chain of multiply-adds for each element of c, in rising
  /// k from start[j], then the factor; everything else untouched.
  std::vector<T> expected(bool with_start, T scale) {
    std::vector<T> all(c_.size(), kUntouched);
    for (std::size_t i = 0; i < shape_.rows; ++i) {
      for (std::size_t j = 0; j < shape_.cols; ++j) {
        T sum = with_start ? start_[j] : T(0);
        for (std::size_t k = 0; k < shape_.depth; ++k) sum = link(a(i, k), b(k, j), sum);
        all[1 + i * result_stride() + j] = scale == T(1) ? sum : sum * scale;
      }
    }
    return all;
  }

  /// One link of the chain, rounded once where the engine has fused multiply-adds.
  static T link(T x, T y, T z) {
    static const bool fused = has_fused_products();
    return fused ? std::fma(x, y, z) : x * y + z;
  }

  /// A value of either sign over some six powers of ten, so that the order of additions shows.
  static T draw(Random& random) {
    const double magnitude = std::pow(10.0, 6 * random.uniform() - 3);
    return static_cast<T>(random.uniform() < 0.5 ? -magnitude : magnitude);
  }

 private:
  struct Storage {
    std::vector<T> data;
    std::size_t stride = 0;
  };

  bool transposed_left() const {
    return shape_.layout == Layout::left || shape_.layout == Layout::both;
  }
  bool transposed_right() const {
    return shape_.layout == Layout::right || shape_.layout == Layout::both;
  }
  std::size_t result_stride() const { return shape_.cols + shape_.padding; }

  Storage factor(std::size_t rows, std::size_t cols, bool is_transposed, std::int64_t seed,
                 std::uint32_t part) const {
    if (is_transposed) std::swap(rows, cols);
    Storage storage{{}, cols + shape_.padding};
    storage.data.assign(2 + rows * storage.stride, std::numeric_limits<T>::quiet_NaN());
    Random random(seed, RandomStream::noise, part);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < cols; ++j)
        storage.data[1 + i * storage.stride + j] = draw(random);
    }
    return storage;
  }

  static Factor<T> as_factor(const Storage& storage, std::size_t rows, std::size_t cols,
                             bool is_transposed) {
    const T* data = storage.data.data() + 1;
    return is_transposed ? transposed<T>({data, cols, rows, storage.stride})
                         : as_is<T>({data, rows, cols, storage.stride});
  }

  ProductShape shape_;
  Storage a_;
  Storage b_;
  std::vector<T> start_;
  std::vector<T> c_;
};

}  // namespace plumbline
