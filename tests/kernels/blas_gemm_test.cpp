// SPDX-License-Identifier: Apache-2.0
// The products by OpenBLAS beside the engine's own, which the tests of gemm hold to their oracle in all
// bits. Any order of k multiply-adds and the closing product stay within (k + 2) eps of the sum of
// absolute values (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1), each of the two.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "engine/kernels/gemm.hpp"
#include "tests/kernels/product.hpp"

namespace plumbline {
namespace {

template <typename T>
class BlasGemm : public testing::Test {};
using Precisions = testing::Types<float, double>;
TYPED_TEST_SUITE(BlasGemm, Precisions);

TYPED_TEST(BlasGemm, AgreesWithTheEnginesOwnWithinRounding) {
  using T = TypeParam;
  constexpr std::array<std::size_t, 5> kSizes = {1, 3, 17, 100, 127};
  const T scale = T(0.375);
  for (const Layout layout : {Layout::neither, Layout::left, Layout::right, Layout::both}) {
    for (const std::size_t rows : kSizes) {
      for (const std::size_t cols : kSizes) {
        for (const std::size_t depth : {std::size_t{1}, std::size_t{17}, std::size_t{1000}}) {
          Product<T> product({rows, cols, depth, layout}, 7);
          product.clear();
          multiply(product.left(), product.right(), product.result(), product.start().data(),
                   scale);
          const std::vector<T> own = product.around();
          product.clear();
          multiply_by_blas(product.left(), product.right(), product.result(),
                           product.start().data(), scale);
          const auto bound = 2 * static_cast<double>(depth + 2) *
                             static_cast<double>(std::numeric_limits<T>::epsilon());
          const MatrixView<T> c = product.result();
          std::size_t wrong = 0;
          for (std::size_t i = 0; i < rows; ++i) {
            for (std::size_t j = 0; j < cols; ++j) {
              double sum = std::abs(static_cast<double>(product.start()[j]));
              for (std::size_t k = 0; k < depth; ++k) {
                sum += std::abs(static_cast<double>(product.a(i, k)) *
                                static_cast<double>(product.b(k, j)));
              }
              const auto at = static_cast<std::size_t>(&c(i, j) - product.around().data());
              const double error =
                  std::abs(static_cast<double>(c(i, j)) - static_cast<double>(own[at]));
              if (!(error <= bound * sum * static_cast<double>(scale))) ++wrong;
            }
          }
          EXPECT_EQ(wrong, 0U) << rows << " x " << depth << " x " << cols << ", layout "
                               << static_cast<int>(layout);
        }
      }
    }
  }
}

TYPED_TEST(BlasGemm, LeavesWhatStandsAroundTheResult) {
  using T = TypeParam;
  Product<T> product({5, 7, 3, Layout::neither}, 7);
  product.clear();
  multiply_by_blas(product.left(), product.right(), product.result());
  const MatrixView<T> c = product.result();
  std::size_t untouched = 0;
  for (const T value : product.around()) untouched += value == Product<T>::kUntouched ? 1 : 0;
  EXPECT_EQ(untouched, product.around().size() - c.rows * c.cols);
}

TYPED_TEST(BlasGemm, SeesAResultThatIsNotFinite) {
  using T = TypeParam;
  Product<T> product({5, 7, 3, Layout::neither}, 7);
  bool finite = true;
  multiply_by_blas(product.left(), product.right(), product.result(),
                   static_cast<const T*>(nullptr), T(1), &finite);
  EXPECT_TRUE(finite);
  product.a(4, 2) = std::numeric_limits<T>::infinity();
  multiply_by_blas(product.left(), product.right(), product.result(),
                   static_cast<const T*>(nullptr), T(1), &finite);
  EXPECT_FALSE(finite);
}

}  // namespace
}  // namespace plumbline
