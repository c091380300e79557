// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xsimd/xsimd.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>

#include "engine/core/matrix_view.hpp"
#include "engine/kernels/parallel.hpp"

namespace plumbline {

/// The widest SIMD batch that this build has for T.
template <typename T>
using Batch = xsimd::batch<std::remove_const_t<T>>;

/// A number of a formula as a V: a SIMD batch, rounded to its element type, or a plain double.
template <typename V>
V constant(double value) {
  if constexpr (xsimd::is_batch<V>::value) {
    return V(static_cast<typename V::value_type>(value));
  } else {
    return static_cast<V>(value);
  }
}

/// `yes` where the condition holds, `no` elsewhere; for comparisons of Vs. Unlike a SIMD minimum or
/// maximum it says what becomes of NaN: a comparison with NaN does not hold.
template <typename Condition, typename V>
V where(const Condition& condition, const V& yes, const V& no) {
  if constexpr (xsimd::is_batch<V>::value) {
    return xsimd::select(condition, yes, no);
  } else {
    return condition ? yes : no;
  }
}

/// The nearest number to x in [-bound, bound]; NaN stays NaN.
template <typename V>
V clamped(const V& x, double bound) {
  const V most = constant<V>(bound);
  return where(x > most, most, where(x < -most, -most, x));
}

namespace elementwise_detail {

template <typename T>
void store(T* destination, const Batch<T>& batch) {
  if constexpr (!std::is_const_v<T>) batch.store_unaligned(destination);
}

/// for_each_batch() on the calling thread alone.
template <class Function, typename... T>
void run_batches(std::size_t n, const Function& function, T*... arrays) {
  using Value = std::common_type_t<std::remove_const_t<T>...>;
  constexpr std::size_t kSize = Batch<Value>::size;
  std::size_t i = 0;
  for (; i + kSize <= n; i += kSize) {
    std::tuple<Batch<T>...> batches{Batch<T>::load_unaligned(arrays + i)...};
    std::apply(
        [&](auto&... batch) {
          function(batch...);
          (elementwise_detail::store(arrays + i, batch), ...);
        },
        batches);
  }
  if (i == n) return;
  const std::size_t left = n - i;
  const auto padded = [left](const Value* from) {
    std::array<Value, kSize> values;
    values.fill(from[0]);
    std::copy_n(from, left, values.begin());
    return Batch<Value>::load_unaligned(values.data());
  };
  const auto store_part = [left]<typename To>(To* to, const Batch<Value>& batch) {
    if constexpr (!std::is_const_v<To>) {
      std::array<Value, kSize> values;
      batch.store_unaligned(values.data());
      std::copy_n(values.begin(), left, to);
    }
  };
  std::tuple<Batch<T>...> batches{padded(arrays + i)...};
  std::apply(
      [&](auto&... batch) {
        function(batch...);
        (store_part(arrays + i, batch), ...);
      },
      batches);
}

// Elements that are worth a task of their own.
constexpr std::size_t kGrain = 32768;

}  // namespace elementwise_detail

/// Calls `function` with one SIMD batch of each array, for all `n` elements. Arrays of const T are
/// read; arrays of T are read and written back, and their batches come as references. The last batch
/// is padded with copies of its first element, so an element's result does not depend on its place.
/// Many elements are shared among threads, so `function` keeps nothing from call to call.
template <class Function, typename... T>
void for_each_batch(std::size_t n, const Function& function, T*... arrays) {
  in_parallel(n, elementwise_detail::kGrain, [&](std::size_t first, std::size_t last) {
    elementwise_detail::run_batches(last - first, function, arrays + first...);
  });
}

/// for_each_batch() over the elements of matrices of one shape. What stands in the padding between
/// the rows of the results is unspecified afterwards: where all have one stride, the matrices are run
/// through as one array, without a tail in each row.
template <class Function, typename... T>
void for_each_batch_of_rows(const Function& function, const MatrixView<T>&... matrices) {
  const auto& first = std::get<0>(std::tie(matrices...));
  if (first.empty()) return;
  if (((matrices.stride == first.stride) && ...)) {
    for_each_batch((first.rows - 1) * first.stride + first.cols, function, matrices.data...);
    return;
  }
  for (std::size_t i = 0; i < first.rows; ++i) {
    for_each_batch(first.cols, function, matrices.row(i)...);
  }
}

}  // namespace plumbline
