// SPDX-License-Identifier: Apache-2.0
#include "engine/core/lapack.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "engine/core/random.hpp"
#include "tests/oracle/jacobi_rotations.hpp"

namespace plumbline {
namespace {

// Some n^2 roundings of 1.1e-16, of numbers of about 1 and eigenvalues up to some 20.
constexpr double kTolerance = 1e-13;

struct Square {
  explicit Square(std::size_t size) : n(size), values(size * size) {}
  MatrixView<double> view() { return {values.data(), n, n, n}; }
  double& operator()(std::size_t i, std::size_t j) { return values[i * n + j]; }

  std::size_t n;
  std::vector<double> values;
};

Square random_matrix(std::size_t n) {
  Random random(7, RandomStream::noise, 0);
  Square a(n);
  for (double& value : a.values) value = random.normal();
  return a;
}

/// A A^T + I: symmetric, with eigenvalues of 1 and more.
Square positive_definite(std::size_t n) {
  Square a = random_matrix(n);
  Square result(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      result(i, j) = i == j ? 1 : 0;
      for (std::size_t k = 0; k < n; ++k) result(i, j) += a(i, k) * a(j, k);
    }
  }
  return result;
}

void expect_orthonormal_rows(Square& a) {
  for (std::size_t i = 0; i < a.n; ++i) {
    for (std::size_t j = 0; j < a.n; ++j) {
      double product = 0;
      for (std::size_t k = 0; k < a.n; ++k) product += a(i, k) * a(j, k);
      EXPECT_NEAR(product, i == j ? 1 : 0, kTolerance) << i << ' ' << j;
    }
  }
}

TEST(SymmetricEigen, OfTwoByTwoIsKnown) {
  // [[2, 1], [1, 2]]: 1 with (1, -1) / sqrt(2), 3 with (1, 1) / sqrt(2).
  Square a(2);
  a.values = {2, 1, 1, 2};
  std::vector<double> values(2);
  Square vectors(2);
  symmetric_eigen(a.view(), values, vectors.view());
  EXPECT_NEAR(values[0], 1, kTolerance);
  EXPECT_NEAR(values[1], 3, kTolerance);
  EXPECT_NEAR(std::abs(vectors(0, 0) + vectors(0, 1)), 0, kTolerance);
  EXPECT_NEAR(std::abs(vectors(1, 0) + vectors(1, 1)), std::sqrt(2), kTolerance);
}

TEST(SymmetricEigen, HasEigenvectorsInItsRows) {
  constexpr std::size_t kSize = 9;
  Square a = positive_definite(kSize);
  std::vector<double> values(kSize);
  Square vectors(kSize);
  symmetric_eigen(a.view(), values, vectors.view());
  expect_orthonormal_rows(vectors);
  for (std::size_t k = 0; k < kSize; ++k) {
    if (k > 0) {
      EXPECT_GE(values[k], values[k - 1]);
    }
    for (std::size_t i = 0; i < kSize; ++i) {
      double product = 0;
      for (std::size_t j = 0; j < kSize; ++j) product += a(i, j) * vectors(k, j);
      EXPECT_NEAR(product, values[k] * vectors(k, i), kTolerance * values.back()) << k << ' ' << i;
    }
  }
}

TEST(SymmetricEigen, ReadsTheUpperTriangleAlone) {
  constexpr std::size_t kSize = 5;
  Square a = positive_definite(kSize);
  std::vector<double> whole(kSize);
  std::vector<double> upper(kSize);
  Square vectors(kSize);
  symmetric_eigen(a.view(), whole, vectors.view());
  for (std::size_t i = 0; i < kSize; ++i) {
    for (std::size_t j = 0; j < i; ++j) a(i, j) = 100;
  }
  symmetric_eigen(a.view(), upper, vectors.view());
  EXPECT_EQ(upper, whole);
}

TEST(SymmetricEigen, OfNanIsNan) {
  for (const double wrong :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Square a = positive_definite(4);
    a(1, 2) = wrong;
    std::vector<double> values(4);
    Square vectors(4);
    symmetric_eigen(a.view(), values, vectors.view());
    for (const double value : values) EXPECT_TRUE(std::isnan(value));
    for (const double value : vectors.values) EXPECT_TRUE(std::isnan(value));
  }
}

TEST(SpectralRadius, OfTwoByTwoIsKnown) {
  // [[a, -b], [b, a]]: a +- i b.
  Square a(2);
  a.values = {0.3, -0.4, 0.4, 0.3};
  EXPECT_NEAR(spectral_radius(a.view()), 0.5, kTolerance);
  a.values = {1, 1000, 0, -3};
  EXPECT_NEAR(spectral_radius(a.view()), 3, kTolerance);
  a.values = {0, 5, 0, 0};
  EXPECT_EQ(spectral_radius(a.view()), 0);
}

TEST(SpectralRadius, OfASymmetricMatrixIsItsLargestEigenvalueEvenWherePadded) {
  constexpr std::size_t kSize = 9;
  Square a = positive_definite(kSize);
  std::vector<double> values(kSize);
  Square vectors(kSize);
  symmetric_eigen(a.view(), values, vectors.view());
  std::vector<double> padded(kSize * 16, 1e9);
  for (std::size_t i = 0; i < kSize; ++i) {
    for (std::size_t j = 0; j < kSize; ++j) padded[i * 16 + j] = -a(i, j);
  }
  const double radius = spectral_radius(MatrixView<const double>{padded.data(), kSize, kSize, 16});
  EXPECT_NEAR(radius, values.back(), kTolerance * values.back());
}

TEST(SpectralRadius, OfNanIsNan) {
  Square a = random_matrix(4);
  a(1, 2) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(spectral_radius(a.view())));
}

TEST(InverseRoot, ToTheFourthTimesTheMatrixIsTheIdentity) {
  constexpr std::size_t kSize = 6;
  Square a = positive_definite(kSize);
  Square root(kSize);
  inverse_root(a.view(), 4, 0, root.view());
  Square product = a;
  for (int factor = 0; factor < 4; ++factor) {
    Square next(kSize);
    for (std::size_t i = 0; i < kSize; ++i) {
      for (std::size_t j = 0; j < kSize; ++j) {
        for (std::size_t k = 0; k < kSize; ++k) next(i, j) += product(i, k) * root(k, j);
      }
    }
    product = next;
  }
  for (std::size_t i = 0; i < kSize; ++i) {
    for (std::size_t j = 0; j < kSize; ++j) {
      EXPECT_NEAR(product(i, j), i == j ? 1 : 0, 100 * kTolerance) << i << ' ' << j;
    }
  }
}

TEST(InverseRoot, RaisesEigenvaluesToTheLeast) {
  Square a(2);
  a.values = {16, 0, 0, -1e-9};
  Square root(2);
  inverse_root(a.view(), 2, 0.25, root.view());
  EXPECT_NEAR(root(0, 0), 0.25, kTolerance);
  EXPECT_NEAR(root(1, 1), 2, kTolerance);
  EXPECT_NEAR(root(0, 1), 0, kTolerance);
}

TEST(InverseRoot, OfNanIsNan) {
  Square a = positive_definite(3);
  a(0, 0) = std::numeric_limits<double>::quiet_NaN();
  Square root(3);
  inverse_root(a.view(), 4, 1e-3, root.view());
  for (const double value : root.values) EXPECT_TRUE(std::isnan(value));
}

TEST(OrthonormalizeRows, KeepsTheSpansOfTheFirstRowsAndTheirSigns) {
  constexpr std::size_t kSize = 7;
  Square a = random_matrix(kSize);
  Square q = a;
  orthonormalize_rows(q.view());
  expect_orthonormal_rows(q);
  // A = R^T Q, with R^T lower triangular and no negative number on its diagonal.
  for (std::size_t i = 0; i < kSize; ++i) {
    for (std::size_t j = i; j < kSize; ++j) {
      double r = 0;
      for (std::size_t k = 0; k < kSize; ++k) r += a(i, k) * q(j, k);
      if (i == j) {
        EXPECT_GT(r, 0.01) << i;
      } else {
        EXPECT_NEAR(r, 0, kTolerance) << i << ' ' << j;
      }
    }
  }
}

TEST(OrthonormalizeRows, OfZerosIsOrthonormalAllTheSame) {
  Square a(4);
  orthonormalize_rows(a.view());
  expect_orthonormal_rows(a);
}

TEST(OrthonormalizeRows, OfNanIsNan) {
  Square a = random_matrix(3);
  a(2, 0) = std::numeric_limits<double>::quiet_NaN();
  orthonormalize_rows(a.view());
  for (const double value : a.values) EXPECT_TRUE(std::isnan(value));
}

// N(0, 1), row after row.
template <typename T>
std::vector<T> random_block(std::size_t size) {
  Random random(9, RandomStream::noise, 1);
  std::vector<T> block(size);
  for (T& value : block) value = static_cast<T>(random.normal());
  return block;
}

template <typename T>
oracle::Rows rows_of(MatrixView<const T> a) {
  oracle::Rows rows;
  for (std::size_t i = 0; i < a.rows; ++i) rows.emplace_back(a.row(i), a.row(i) + a.cols);
  return rows;
}

template <typename T>
void expect_singular_values_of(MatrixView<const T> a) {
  SingularValues decomposition;
  const std::span<const double> found = decomposition.of(a);
  const oracle::Row expected = oracle::singular_values(rows_of(a));
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    EXPECT_NEAR(found[k], expected[k], kTolerance * expected[0]) << k;
  }
}

// The second is padded; the third is wide enough for LAPACK to begin with a QR factorization.
TEST(SingularValues, AreThoseThatRotationsFindInTallPaddedAndWideMatrices) {
  const std::vector<double> block = random_block<double>(3000);
  expect_singular_values_of(MatrixView<const double>{block.data(), 23, 17, 17});
  expect_singular_values_of(MatrixView<const double>{block.data(), 7, 11, 19});
  expect_singular_values_of(MatrixView<const double>{block.data(), 5, 131, 131});
  expect_singular_values_of(MatrixView<const double>{block.data(), 1, 9, 9});
  const std::vector<float> floats = random_block<float>(300);
  expect_singular_values_of(MatrixView<const float>{floats.data(), 17, 13, 13});
}

TEST(SingularValues, OfADiagonalMatrixAreItsMagnitudes) {
  const std::vector<double> a = {0, -3, 0, 0.5, 0, 0};
  SingularValues decomposition;
  const std::span<const double> found =
      decomposition.of(MatrixView<const double>{a.data(), 2, 3, 3});
  EXPECT_NEAR(found[0], 3, kTolerance);
  EXPECT_NEAR(found[1], 0.5, kTolerance);
}

// The squares of these numbers are no numbers of double.
TEST(SingularValues, HoldWhereSquaresUnderflow) {
  std::vector<double> block = random_block<double>(12);
  SingularValues decomposition;
  const std::span<const double> first =
      decomposition.of(MatrixView<const double>{block.data(), 3, 4, 4});
  const std::vector<double> expected(first.begin(), first.end());
  for (double& value : block) value *= 0x1p-900;
  const std::span<const double> found =
      decomposition.of(MatrixView<const double>{block.data(), 3, 4, 4});
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_NEAR(found[k] * 0x1p900, expected[k], kTolerance * expected[0]);
  }
}

// So large that LAPACK works on blocks of columns, as many as it has room for.
TEST(SingularValues, HaveTheSameBitsWhateverTheMatrixBeforeWas) {
  const std::vector<double> block = random_block<double>(300 * 250);
  const MatrixView<const double> small{block.data(), 200, 230, 230};
  SingularValues fresh;
  const std::span<const double> alone = fresh.of(small);
  const std::vector<double> expected(alone.begin(), alone.end());
  SingularValues used;
  used.of(MatrixView<const double>{block.data(), 300, 250, 250});
  const std::span<const double> found = used.of(small);
  EXPECT_EQ(std::vector<double>(found.begin(), found.end()), expected);
}

TEST(SingularValues, OfNanAreNan) {
  std::vector<double> block = random_block<double>(12);
  block[5] = std::numeric_limits<double>::quiet_NaN();
  SingularValues decomposition;
  const std::span<const double> found =
      decomposition.of(MatrixView<const double>{block.data(), 4, 3, 3});
  ASSERT_EQ(found.size(), 3);
  for (const double value : found) EXPECT_TRUE(std::isnan(value));
}

}  // namespace
}  // namespace plumbline
