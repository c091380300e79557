// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <type_traits>

#include "engine/core/matrix_view.hpp"
#include "engine/kernels/elementwise.hpp"
#include "engine/kernels/first_lanes.hpp"
#include "engine/kernels/parallel.hpp"

namespace plumbline {

/// Columns first, ..., first + count - 1.
template <typename T>
MatrixView<T> columns(const MatrixView<T>& matrix, std::size_t first, std::size_t count) {
  return {matrix.data + first, matrix.rows, count, matrix.stride};
}

namespace elementwise_detail {

// One row on the calling thread. Flat: a function that the compiler leaves apart would have its batches
// go through memory.
template <typename Value, class Function, typename... T>
[[gnu::flatten]] inline void run_row(std::size_t cols, const FirstLanes<Value>& part,
                                     const Function& function, T*... row) {
  constexpr std::size_t kSize = Batch<Value>::size;
  std::size_t j = 0;
  for (; j + kSize <= cols; j += kSize) {
    std::tuple<Batch<T>...> batches{Batch<T>::load_unaligned(row + j)...};
    std::apply(
        [&](auto&... batch) {
          function(batch...);
          (elementwise_detail::store(row + j, batch), ...);
        },
        batches);
  }
  if (j == cols) return;
  std::tuple<Batch<T>...> batches{part.load(row + j)...};
  const auto store_part = [&part]<typename To>(To* to, const Batch<Value>& batch) {
    if constexpr (!std::is_const_v<To>) part.store(to, batch);
  };
  std::apply(
      [&](auto&... batch) {
        function(batch...);
        (store_part(row + j, batch), ...);
      },
      batches);
}

// Elements that are worth a task of their own where each costs as much as a gate does.
constexpr std::size_t kRowGrain = 8192;

}  // namespace elementwise_detail

/// for_each_batch() over matrices of one shape row by row, as for blocks of columns of wider matrices:
/// nothing beside their columns is touched. A row's last batch has 0 in the lanes that are left. A
/// matrix of stride 0 is one row that serves for all. Rows are shared among threads.
template <class Function, typename... T>
void for_each_batch_in_rows(const Function& function, const MatrixView<T>&... matrices) {
  using Value = std::common_type_t<std::remove_const_t<T>...>;
  const auto& first = std::get<0>(std::tie(matrices...));
  if (first.empty()) return;
  const std::size_t cols = first.cols;
  const FirstLanes<Value> part(cols % Batch<Value>::size);
  const std::size_t grain = std::max<std::size_t>(1, elementwise_detail::kRowGrain / cols);
  in_parallel(first.rows, grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      elementwise_detail::run_row<Value>(cols, part, function, matrices.row(i)...);
    }
  });
}

}  // namespace plumbline
