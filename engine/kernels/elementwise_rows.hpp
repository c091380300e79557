// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <type_traits>

#include "engine/core/matrix_view.hpp"
#include "engine/kernels/elementwise.hpp"
#include "engine/kernels/parallel.hpp"
#include "engine/kernels/row_ends.hpp"

namespace plumbline {

/// Columns first, ..., first + count - 1.
template <typename T>
MatrixView<T> columns(const MatrixView<T>& matrix, std::size_t first, std::size_t count) {
  return {matrix.data + first, matrix.rows, count, matrix.stride};
}

namespace elementwise_detail {

// Whole batches of a row, as many as `cols` holds. Flat: a function that the compiler leaves apart would
// have its batches go through memory.
template <class Function, typename... T>
[[gnu::flatten]] inline void run_whole_batches(std::size_t cols, const Function& function,
                                               T*... row) {
  using Value = std::common_type_t<std::remove_const_t<T>...>;
  constexpr std::size_t kSize = Batch<Value>::size;
  for (std::size_t j = 0; j + kSize <= cols; j += kSize) {
    std::tuple<Batch<T>...> batches{Batch<T>::load_unaligned(row + j)...};
    std::apply(
        [&](auto&... batch) {
          function(batch...);
          (elementwise_detail::store(row + j, batch), ...);
        },
        batches);
  }
}

// The elements of rows behind their last whole batch, as `ends` takes them together.
template <class Ends, class Function, typename... T>
[[gnu::flatten]] inline void run_ends(const Ends& ends, const Function& function,
                                      const MatrixView<T>&... from) {
  std::tuple batches{ends.load(from.data, from.stride)...};
  const auto store = [&ends]<typename To>(const MatrixView<To>& to, const auto& batch) {
    if constexpr (!std::is_const_v<To>) ends.store(to.data, to.stride, batch);
  };
  std::apply(
      [&](auto&... batch) {
        function(batch...);
        (store(from, batch), ...);
      },
      batches);
}

// Elements that are worth a task of their own where each costs as much as a gate does.
constexpr std::size_t kRowGrain = 8192;

}  // namespace elementwise_detail

/// for_each_batch() over matrices of one shape row by row, as for blocks of columns of wider matrices:
/// nothing beside their columns is touched. What rows have behind their last whole batch shares a batch
/// with that of rows nearby, as far as there is room; lanes that are left have 0. `function` must treat
/// each lane by itself. A matrix of stride 0 is one row that serves for all. Rows are shared among threads.
template <class Function, typename... T>
void for_each_batch_in_rows(const Function& function, const MatrixView<T>&... matrices) {
  using Value = std::common_type_t<std::remove_const_t<T>...>;
  const auto& first = std::get<0>(std::tie(matrices...));
  if (first.empty()) return;
  const std::size_t cols = first.cols;
  const std::size_t left = cols % Batch<Value>::size;
  const std::size_t grain = std::max<std::size_t>(1, elementwise_detail::kRowGrain / cols);
  in_parallel(first.rows, grain, [&](std::size_t begin, std::size_t end) {
    const auto ends_at = [&](std::size_t row, const auto& matrix) {
      return columns(MatrixView{matrix.row(row), 1, cols, matrix.stride}, cols - left, left);
    };
    with_row_ends<Value>(left, [&](const auto& ends, auto together) {
      std::size_t i = begin;
      for (; i + together <= end; i += together) {
        for (std::size_t row = i; row < i + together; ++row) {
          elementwise_detail::run_whole_batches(cols, function, matrices.row(row)...);
        }
        if (left > 0) elementwise_detail::run_ends(ends, function, ends_at(i, matrices)...);
      }
      const RowEnds<Value, 1> alone(left);
      for (; i < end; ++i) {
        elementwise_detail::run_whole_batches(cols, function, matrices.row(i)...);
        if (left > 0) elementwise_detail::run_ends(alone, function, ends_at(i, matrices)...);
      }
    });
  });
}

}  // namespace plumbline
