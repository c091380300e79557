// SPDX-License-Identifier: Apache-2.0
// Equality is in all bits throughout: the oracle is a loop of std::fma, and the product promises its
// chain of operations for each element.
#include "engine/kernels/gemm.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <ostream>
#include <span>
#include <utility>
#include <vector>

#include "tests/kernels/bits.hpp"
#include "tests/kernels/product.hpp"

namespace plumbline {

static std::ostream& operator<<(std::ostream& out, const ProductShape& shape) {
  return out << shape.rows << " x " << shape.depth << " times " << shape.depth << " x "
             << shape.cols << ", layout " << static_cast<int>(shape.layout) << ", padding "
             << shape.padding;
}

namespace {

constexpr std::array kLayouts = {Layout::neither, Layout::left, Layout::right, Layout::both};

template <typename T>
class Gemm : public testing::Test {
 protected:
  static constexpr T kNan = std::numeric_limits<T>::quiet_NaN();
  static constexpr T kInfinity = std::numeric_limits<T>::infinity();

  static void multiply_all(Product<T>& product, bool with_start = false, T scale = 1) {
    multiply(product.left(), product.right(), product.result(),
             with_start ? product.start().data() : nullptr, scale);
  }

  static void expect_oracle(Product<T>& product, bool with_start = false, T scale = 1) {
    product.clear();
    multiply_all(product, with_start, scale);
    const std::vector<T> expected = product.expected(with_start, scale);
    EXPECT_EQ(differences<T>(product.around(), expected), 0U)
        << product.shape() << ", start " << with_start << ", scale " << scale;
  }
};

using Precisions = testing::Types<float, double>;
TYPED_TEST_SUITE(Gemm, Precisions);

TYPED_TEST(Gemm, EqualsTheChainOfFusedOperationsAtEverySize) {
  constexpr std::array<std::size_t, 6> kSizes = {1, 3, 17, 31, 100, 127};
  for (const std::size_t rows : kSizes) {
    for (const std::size_t cols : kSizes) {
      for (const std::size_t depth : kSizes) {
        for (const Layout layout : kLayouts) {
          Product<TypeParam> product({rows, cols, depth, layout}, 1);
          this->expect_oracle(product);
        }
      }
    }
  }
}

TYPED_TEST(Gemm, EqualsTheChainWhereASideIsLong) {
  for (const Layout layout : kLayouts) {
    for (const ProductShape& shape :
         {ProductShape{1000, 17, 31, layout}, ProductShape{17, 1000, 31, layout},
          ProductShape{17, 31, 1000, layout}, ProductShape{100, 127, 1000, layout},
          ProductShape{1, 1000, 1000, layout}, ProductShape{1000, 1, 1000, layout},
          ProductShape{1000, 1000, 3, layout}}) {
      Product<TypeParam> product(shape, 2);
      this->expect_oracle(product, true);
    }
  }
}

TYPED_TEST(Gemm, EqualsTheChainAtTheEdgesOfItsBlocks) {
  // Blocks of k and of columns are powers of two; one less and one more stand beside each.
  for (const std::size_t size : {127U, 128U, 129U, 255U, 256U, 257U, 511U, 512U, 513U, 769U}) {
    for (const Layout layout : kLayouts) {
      Product<TypeParam> deep({13, 33, size, layout}, 3);
      this->expect_oracle(deep, true, TypeParam(0.1));
      Product<TypeParam> wide({13, size, 33, layout}, 4);
      this->expect_oracle(wide, true, TypeParam(0.1));
    }
  }
}

TYPED_TEST(Gemm, EqualsTheChainForEveryNumberOfRowsAndColumnsOfATile) {
  for (std::size_t rows = 1; rows <= 26; ++rows) {
    for (std::size_t cols = 1; cols <= 67; ++cols) {
      Product<TypeParam> product({rows, cols, 5, kLayouts[(rows + cols) % 4]}, 5);
      this->expect_oracle(product, rows % 2 == 0, cols % 3 == 0 ? TypeParam(3) : TypeParam(1));
    }
  }
}

TYPED_TEST(Gemm, BeginsWithTheStartAndEndsWithTheScale) {
  for (const Layout layout : kLayouts) {
    Product<TypeParam> product({31, 17, 100, layout}, 6);
    this->expect_oracle(product, true);
    this->expect_oracle(product, true, TypeParam(1.0 / 128));
    this->expect_oracle(product, false, TypeParam(1.0 / 3));
    this->expect_oracle(product, true, TypeParam(0));
    this->expect_oracle(product, true, TypeParam(-1));
  }
}

TYPED_TEST(Gemm, WorksWithoutPaddingAndWithMuch) {
  for (const std::size_t padding : {0U, 1U, 64U}) {
    for (const Layout layout : kLayouts) {
      Product<TypeParam> product({17, 31, 33, layout, padding}, 7);
      this->expect_oracle(product, true);
    }
  }
}

TYPED_TEST(Gemm, WithoutProductsIsTheScaledStart) {
  for (const Layout layout : kLayouts) {
    Product<TypeParam> product({5, 37, 0, layout}, 8);
    this->expect_oracle(product);
    this->expect_oracle(product, true);
    this->expect_oracle(product, true, TypeParam(0.5));
  }
}

TYPED_TEST(Gemm, WithoutRowsOrColumnsTouchesNothing) {
  for (const ProductShape& shape : {ProductShape{0, 5, 3}, ProductShape{5, 0, 3}}) {
    Product<TypeParam> product(shape, 9);
    this->expect_oracle(product, true);
  }
}

TYPED_TEST(Gemm, KeepsSubnormalNumbers) {
  // Factors whose products lie between the least normal and the least subnormal number.
  Product<TypeParam> product({17, 31, 33, Layout::right}, 10);
  const TypeParam root = std::sqrt(std::numeric_limits<TypeParam>::min()) / 64;
  for (std::size_t k = 0; k < 33; ++k) {
    for (std::size_t i = 0; i < 17; ++i) product.a(i, k) *= root;
    for (std::size_t j = 0; j < 31; ++j) product.b(k, j) *= root;
  }
  this->expect_oracle(product);
  const MatrixView<TypeParam> c = product.result();
  std::size_t subnormal = 0;
  for (std::size_t i = 0; i < c.rows; ++i) {
    subnormal +=
        static_cast<std::size_t>(std::count_if(c.row(i), c.row(i) + c.cols, [](TypeParam x) {
          return std::fpclassify(x) == FP_SUBNORMAL;
        }));
  }
  EXPECT_GT(subnormal, 0U);
}

TYPED_TEST(Gemm, CarriesNanIntoItsRowAndItsColumnAlone) {
  for (const Layout layout : kLayouts) {
    Product<TypeParam> product({29, 45, 300, layout}, 11);
    product.a(28, 299) = this->kNan;
    product.b(0, 44) = this->kNan;
    this->expect_oracle(product, true);
    const MatrixView<TypeParam> c = product.result();
    for (std::size_t i = 0; i < c.rows; ++i) {
      for (std::size_t j = 0; j < c.cols; ++j) {
        EXPECT_EQ(std::isnan(c(i, j)), i == 28 || j == 44) << i << ", " << j;
      }
    }
  }
}

TYPED_TEST(Gemm, CarriesInfinityAndMakesNanOfZeroTimesInfinity) {
  Product<TypeParam> product({9, 35, 21, Layout::neither}, 12);
  product.a(4, 20) = this->kInfinity;
  product.b(20, 34) = 0;
  this->expect_oracle(product, true);
  EXPECT_TRUE(std::isinf(product.result()(4, 0)));
  EXPECT_TRUE(std::isnan(product.result()(4, 34)));
  EXPECT_TRUE(std::isfinite(product.result()(3, 34)));
}

TYPED_TEST(Gemm, CarriesNanOfTheStartAndTheScale) {
  Product<TypeParam> product({9, 35, 21, Layout::neither}, 13);
  product.start()[17] = this->kNan;
  this->expect_oracle(product, true);
  EXPECT_TRUE(std::isnan(product.result()(8, 17)));
  EXPECT_FALSE(std::isnan(product.result()(8, 16)));
  this->expect_oracle(product, false, this->kNan);
  EXPECT_TRUE(std::isnan(product.result()(0, 0)));
}

TYPED_TEST(Gemm, GivesARowTheSameBitsHoweverRowsAreSharedOut) {
  for (const Layout layout : kLayouts) {
    Product<TypeParam> product({103, 100, 300, layout}, 14);
    this->multiply_all(product, true, TypeParam(0.01));
    const std::vector<TypeParam> at_once = product.around();
    Random random(15, RandomStream::noise, 0);
    for (int repetition = 0; repetition < 20; ++repetition) {
      product.clear();
      const MatrixView<TypeParam> c = product.result();
      for (std::size_t first = 0; first < c.rows;) {
        const std::size_t rows = 1 + random.below(c.rows - first);
        Factor<TypeParam> part = product.left();
        part.data += first * part.row_stride;
        part.rows = rows;
        multiply(part, product.right(), {c.row(first), rows, c.cols, c.stride},
                 product.start().data(), TypeParam(0.01));
        first += rows;
      }
      ASSERT_EQ(differences<TypeParam>(product.around(), at_once), 0U) << product.shape();
    }
  }
}

TYPED_TEST(Gemm, GivesAColumnTheSameBitsHoweverColumnsAreSharedOut) {
  for (const Layout layout : kLayouts) {
    Product<TypeParam> product({20, 301, 300, layout}, 16);
    this->multiply_all(product, true);
    const std::vector<TypeParam> at_once = product.around();
    Random random(17, RandomStream::noise, 0);
    for (int repetition = 0; repetition < 20; ++repetition) {
      product.clear();
      const MatrixView<TypeParam> c = product.result();
      for (std::size_t first = 0; first < c.cols;) {
        const std::size_t cols = 1 + random.below(c.cols - first);
        Factor<TypeParam> part = product.right();
        part.data += first * part.col_stride;
        part.cols = cols;
        multiply(product.left(), part, {c.data + first, c.rows, cols, c.stride},
                 product.start().data() + first);
        first += cols;
      }
      ASSERT_EQ(differences<TypeParam>(product.around(), at_once), 0U) << product.shape();
    }
  }
}

TYPED_TEST(Gemm, SaysWhetherAllElementsAreFinite) {
  constexpr std::size_t kRows = 27;
  constexpr std::size_t kCols = 35;
  const auto finite = [](Product<TypeParam>& product, TypeParam scale) {
    bool result = true;
    multiply(product.left(), product.right(), product.result(), nullptr, scale, &result);
    return result;
  };
  for (const std::size_t depth : {3, 300}) {
    Product<TypeParam> product({kRows, kCols, depth, Layout::neither}, 18);
    EXPECT_TRUE(finite(product, 1));
    // One element alone overflows, wherever it is.
    constexpr TypeParam kHuge = std::numeric_limits<TypeParam>::max() / 2;
    for (std::size_t i = 0; i < kRows; ++i) {
      const TypeParam a = std::exchange(product.a(i, depth - 1), kHuge);
      for (std::size_t j = 0; j < kCols; ++j) {
        for (std::size_t other = 0; other < kCols; ++other) product.b(depth - 1, other) = 0;
        product.b(depth - 1, j) = 16;
        EXPECT_FALSE(finite(product, 1)) << i << ", " << j;
        product.b(depth - 1, j) = 1;
        EXPECT_TRUE(finite(product, 1)) << i << ", " << j;
        EXPECT_FALSE(finite(product, 16)) << "by the closing factor";
      }
      product.a(i, depth - 1) = a;
    }
    bool already = false;
    multiply(product.left(), product.right(), product.result(), nullptr, TypeParam(1), &already);
    EXPECT_FALSE(already) << "is left as it is";
  }
}

}  // namespace
}  // namespace plumbline
