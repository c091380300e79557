// SPDX-License-Identifier: Apache-2.0
#include <cblas.h>

#include <algorithm>
#include <span>
#include <type_traits>

#include "engine/core/openblas.hpp"
#include "engine/kernels/gemm.hpp"
#include "engine/kernels/reduce.hpp"

namespace plumbline {

namespace {

// For `dimension`, which the library wants as an int.
int to_int(std::size_t dimension) { return static_cast<int>(dimension); }

template <typename T>
CBLAS_TRANSPOSE layout_of(const Factor<T>& factor) {
  return factor.col_stride == 1 ? CblasNoTrans : CblasTrans;
}

// The distance between rows, or between columns of a transposed factor; the library asks for the
// length of one at least, where the factor has no second one too.
template <typename T>
int leading_dimension(const Factor<T>& factor) {
  const bool as_it_stands = factor.col_stride == 1;
  const std::size_t stride = as_it_stands ? factor.row_stride : factor.col_stride;
  return to_int(std::max({stride, as_it_stands ? factor.cols : factor.rows, std::size_t{1}}));
}

// c = scale a b + scale start.
template <typename T>
void multiply_by_library(const Factor<T>& a, const Factor<T>& b, const MatrixView<T>& c,
                         Start<T> start, T scale, bool* finite) {
  require_safe_openblas();
  if (c.empty()) return;
  for (std::size_t i = 0; i < c.rows; ++i) {
    for (std::size_t j = 0; j < c.cols; ++j) {
      c(i, j) = start.goes_on          ? scale * c(i, j)
                : start.row != nullptr ? scale * start.row[j]
                                       : T(0);
    }
  }
  const auto call = [&](auto* gemm) {
    gemm(CblasRowMajor, layout_of(a), layout_of(b), to_int(c.rows), to_int(c.cols), to_int(a.cols),
         scale, a.data, leading_dimension(a), b.data, leading_dimension(b), T(1), c.data,
         to_int(std::max(c.stride, c.cols)));
  };
  if constexpr (std::is_same_v<T, float>) {
    call(cblas_sgemm);
  } else {
    call(cblas_dgemm);
  }
  for (std::size_t i = 0; finite != nullptr && i < c.rows; ++i) {
    if (!all_finite(std::span<const T>(c.row(i), c.cols))) *finite = false;
  }
}

}  // namespace

void multiply_by_blas(const Factor<float>& a, const Factor<float>& b, const MatrixView<float>& c,
                      Start<float> start, float scale, bool* finite) {
  multiply_by_library(a, b, c, start, scale, finite);
}

void multiply_by_blas(const Factor<double>& a, const Factor<double>& b, const MatrixView<double>& c,
                      Start<double> start, double scale, bool* finite) {
  multiply_by_library(a, b, c, start, scale, finite);
}

}  // namespace plumbline
