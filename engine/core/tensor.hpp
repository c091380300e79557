// SPDX-License-Identifier: Apache-2.0
// The only file that includes xtensor. Its headers moved into folders in 0.26; this serves 0.24 to
// 0.27. xtensor owns data and serves set-up and slicing; hot loops take views of its buffers.
#pragma once

#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xtensor.hpp>
#endif

#include <cstddef>
#include <span>

#include "engine/core/matrix_view.hpp"

namespace plumbline {

template <typename T>
using Vector = xt::xtensor<T, 1>;
template <typename T>
using Matrix = xt::xtensor<T, 2>;

template <typename T>
MatrixView<T> view(Matrix<T>& matrix) {
  return {matrix.data(), matrix.shape()[0], matrix.shape()[1], matrix.shape()[1]};
}

template <typename T>
MatrixView<const T> view(const Matrix<T>& matrix) {
  return {matrix.data(), matrix.shape()[0], matrix.shape()[1], matrix.shape()[1]};
}

template <typename T>
std::span<T> values(Vector<T>& vector) {
  return {vector.data(), vector.size()};
}

template <typename T>
std::span<const T> values(const Vector<T>& vector) {
  return {vector.data(), vector.size()};
}

}  // namespace plumbline
