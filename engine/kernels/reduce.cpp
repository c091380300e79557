// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/reduce.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/kernels/elementwise.hpp"
#include "engine/kernels/first_lanes.hpp"
#include "engine/kernels/parallel.hpp"
#include "engine/kernels/sum.hpp"

namespace plumbline {

namespace {

template <typename T>
double sum_of_squares(MatrixView<const T> matrix, double scale) {
  PartialSums sums;
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    const T* const row = matrix.row(i);
    sums.add(matrix.cols, [row, scale](std::size_t j) {
      const double scaled = static_cast<double>(row[j]) * scale;
      return scaled * scaled;
    });
  }
  return sums.total();
}

template <typename T>
double frobenius(MatrixView<const T> matrix) {
  // Outside these bounds some square may have been lost to underflow, or the sum to overflow.
  constexpr double kLeast = 1e-250;
  constexpr double kMost = 1e300;
  const double sum = sum_of_squares(matrix, 1.0);
  if (std::isnan(sum) || (sum > kLeast && sum < kMost)) return std::sqrt(sum);
  double largest = 0;
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    for (std::size_t j = 0; j < matrix.cols; ++j) {
      largest = std::max(largest, std::abs(static_cast<double>(matrix(i, j))));
    }
  }
  if (largest == 0 || std::isinf(largest)) return largest;
  // The least subnormal has exponent -1074, and 2^1074 is no double: 2^1000 is scale enough.
  const int exponent = std::clamp(std::ilogb(largest), -1000, 1000);
  return std::ldexp(std::sqrt(sum_of_squares(matrix, std::ldexp(1.0, -exponent))), exponent);
}

// `batches` SIMD batches of columns from column j on: their sums stay in registers.
template <typename T, std::size_t batches>
void sum_batches(MatrixView<const T> matrix, std::size_t j, T scale, T* sums) {
  std::array<Batch<T>, batches> total;
  total.fill(Batch<T>(T(0)));
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    const T* row = matrix.row(i) + j;
#pragma GCC unroll 4
    for (std::size_t v = 0; v < batches; ++v) {
      total[v] += Batch<T>::load_unaligned(row + v * Batch<T>::size);
    }
  }
  for (std::size_t v = 0; v < batches; ++v) {
    (total[v] * Batch<T>(scale)).store_unaligned(sums + j + v * Batch<T>::size);
  }
}

template <typename T>
void sum_some_columns(MatrixView<const T> matrix, T scale, T* sums) {
  constexpr std::size_t kLanes = Batch<T>::size;
  std::size_t j = 0;
  for (; j + 4 * kLanes <= matrix.cols; j += 4 * kLanes) sum_batches<T, 4>(matrix, j, scale, sums);
  for (; j + kLanes <= matrix.cols; j += kLanes) sum_batches<T, 1>(matrix, j, scale, sums);
  if (j == matrix.cols) return;
  const FirstLanes<T> part(matrix.cols - j);
  Batch<T> total(T(0));
  for (std::size_t i = 0; i < matrix.rows; ++i) total += part.load(matrix.row(i) + j);
  part.store(sums + j, total * Batch<T>(scale));
}

template <typename T>
void sum_columns(MatrixView<const T> matrix, T scale, std::span<T> sums) {
  constexpr std::size_t kUnit = 4 * Batch<T>::size;
  constexpr std::size_t kTaskElements = 65536;
  const std::size_t units = kTaskElements / std::max<std::size_t>(matrix.rows * kUnit, 1);
  in_parallel(matrix.cols, kUnit * std::max<std::size_t>(units, 1),
              [&](std::size_t first, std::size_t last) {
                sum_some_columns<T>({matrix.data + first, matrix.rows, last - first, matrix.stride},
                                    scale, sums.data() + first);
              });
}

template <typename T>
bool finite(std::span<const T> values) {
  // x * 0 is 0 for finite x and NaN for all others, and a sum with NaN in it is NaN.
  constexpr std::size_t kSize = Batch<T>::size;
  Batch<T> first(T(0));
  Batch<T> second(T(0));
  std::size_t i = 0;
  for (; i + 2 * kSize <= values.size(); i += 2 * kSize) {
    first += Batch<T>::load_unaligned(values.data() + i) * T(0);
    second += Batch<T>::load_unaligned(values.data() + i + kSize) * T(0);
  }
  first += second;
  std::array<T, kSize> lanes;
  first.store_unaligned(lanes.data());
  T sum = 0;
  for (const T lane : lanes) sum += lane;
  for (; i < values.size(); ++i) sum += values[i] * T(0);
  return sum == T(0);
}

}  // namespace

double norm(std::span<const float> values) {
  return frobenius<float>({values.data(), 1, values.size(), values.size()});
}
double norm(std::span<const double> values) {
  return frobenius<double>({values.data(), 1, values.size(), values.size()});
}
double norm(MatrixView<const float> matrix) { return frobenius(matrix); }
double norm(MatrixView<const double> matrix) { return frobenius(matrix); }

void column_sums(MatrixView<const float> matrix, float scale, std::span<float> sums) {
  sum_columns(matrix, scale, sums);
}
void column_sums(MatrixView<const double> matrix, double scale, std::span<double> sums) {
  sum_columns(matrix, scale, sums);
}

bool all_finite(std::span<const float> values) { return finite(values); }
bool all_finite(std::span<const double> values) { return finite(values); }

}  // namespace plumbline
