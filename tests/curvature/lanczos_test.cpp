// SPDX-License-Identifier: Apache-2.0
// Lanczos against LAPACK's dense eigenvalues; Hutchinson's trace and the spectral density against what
// they estimate.
#include "engine/curvature/lanczos.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/core/lapack.hpp"
#include "engine/curvature/spectral_density.hpp"
#include "engine/curvature/trace.hpp"
#include "tests/curvature/curved_net.hpp"
#include "tests/kernels/on_threads.hpp"

namespace plumbline {
namespace {

// n^2 roundings of 1.1e-16 for n up to 60, relative to the largest eigenvalue.
constexpr double kRounding = 1e-12;

struct Dense {
  std::size_t n = 0;
  std::vector<double> values;

  double& at(std::size_t i, std::size_t j) { return values[i * n + j]; }
  double at(std::size_t i, std::size_t j) const { return values[i * n + j]; }
  SymmetricOperator product() const {
    return [this](std::span<const double> v, std::span<double> to) {
      for (std::size_t i = 0; i < n; ++i) {
        to[i] = 0;
        for (std::size_t j = 0; j < n; ++j) to[i] += at(i, j) * v[j];
      }
    };
  }
  /// Falling.
  std::vector<double> eigenvalues() const {
    std::vector<double> found(n);
    std::vector<double> vectors(n * n);
    symmetric_eigen({values.data(), n, n, n}, found, {vectors.data(), n, n, n});
    std::ranges::reverse(found);
    return found;
  }
  double trace() const {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += at(i, i);
    return sum;
  }
};

/// Symmetric with N(0, 1) above the diagonal.
Dense random_symmetric(std::size_t n) {
  Dense a{n, std::vector<double>(n * n)};
  const std::vector<double> drawn = direction_of(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i; j < n; ++j) a.at(i, j) = a.at(j, i) = drawn[i * n + j];
  }
  return a;
}

Dense diagonal(const std::vector<double>& values) {
  Dense a{values.size(), std::vector<double>(values.size() * values.size())};
  for (std::size_t i = 0; i < values.size(); ++i) a.at(i, i) = values[i];
  return a;
}

Dense hessian_of_a_net() {
  CurvedNet<double> net({{{"depth", node(2)}, {"width", node(4)}}, "cross_entropy"}, 1);
  net.settle();
  return {net.size(), net.exact_hessian()};
}

void expect_near(const std::vector<double>& found, const std::vector<double>& expected,
                 double tolerance) {
  ASSERT_LE(found.size(), expected.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    EXPECT_NEAR(found[k], expected[k], tolerance * std::abs(expected[0])) << k;
  }
}

TEST(Lanczos, FindsAllEigenvaluesOfADenseMatrix) {
  const Dense a = random_symmetric(60);
  const LargestEigenvalues found =
      largest_eigenvalues(a.product(), 60, {.count = 60, .iterations = 60});
  expect_near(found.values, a.eigenvalues(), kRounding);
  EXPECT_EQ(found.products, 60);
}

TEST(Lanczos, FindsTheTopOfTheHessianOfANetWithFewerProductsThanWeights) {
  const Dense hessian = hessian_of_a_net();
  const LargestEigenvalues found = largest_eigenvalues(
      hessian.product(), hessian.n, {.count = 3, .iterations = 50, .tolerance = 1e-9});
  const std::vector<double> expected = hessian.eigenvalues();
  EXPECT_LT(found.products, hessian.n);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_LE(std::abs(found.values[k] - expected[k]),
              found.error_bounds[k] + kRounding * expected[0])
        << k;
    EXPECT_LE(found.error_bounds[k], 1e-9 * expected[0]);
  }
}

// The bound of Parlett's theorem 4.5.1 holds at any number of steps.
TEST(Lanczos, HasAnEigenvalueWithinEachErrorBound) {
  const Dense a = random_symmetric(40);
  const std::vector<double> expected = a.eigenvalues();
  for (const std::size_t iterations : {1, 2, 5, 10, 20, 39}) {
    const LargestEigenvalues found = largest_eigenvalues(
        a.product(), 40, {.count = iterations, .iterations = iterations, .tolerance = 0});
    for (std::size_t k = 0; k < iterations; ++k) {
      const double nearest = std::ranges::min(
          expected, {}, [&](double value) { return std::abs(value - found.values[k]); });
      EXPECT_LE(std::abs(nearest - found.values[k]),
                found.error_bounds[k] + kRounding * expected[0])
          << iterations << ' ' << k;
    }
  }
}

// One start vector sees each eigenvalue once: the rest comes from starts outside its space.
TEST(Lanczos, FindsEigenvaluesThatComeMoreThanOnce) {
  const Dense a = diagonal({3, 7, 7, 7, -1, 3, 0, 0});
  const LargestEigenvalues found =
      largest_eigenvalues(a.product(), 8, {.count = 8, .iterations = 100});
  expect_near(found.values, {7, 7, 7, 3, 3, 0, 0, -1}, kRounding);
}

TEST(Lanczos, OfZeroIsZero) {
  const Dense a = diagonal(std::vector<double>(5));
  const LargestEigenvalues found = largest_eigenvalues(a.product(), 5, {.count = 2});
  EXPECT_EQ(found.values, (std::vector<double>{0, 0}));
}

TEST(Lanczos, LeavesNotANumberWhereThereAreFewerEigenvalues) {
  const Dense a = diagonal({2, 1});
  const LargestEigenvalues found = largest_eigenvalues(a.product(), 2, {.count = 3});
  EXPECT_NEAR(found.values[0], 2, kRounding);
  EXPECT_NEAR(found.values[1], 1, kRounding);
  EXPECT_TRUE(std::isnan(found.values[2]));
}

TEST(Lanczos, OfNotANumberIsNotANumber) {
  Dense a = random_symmetric(6);
  a.at(2, 3) = std::numeric_limits<double>::quiet_NaN();
  const LargestEigenvalues found = largest_eigenvalues(a.product(), 6, {});
  EXPECT_TRUE(std::isnan(found.values[0]));
  EXPECT_TRUE(std::isnan(found.error_bounds[0]));
}

TEST(Lanczos, StartsTheSameForOneSeedAndOtherwiseForAnother) {
  const Dense a = random_symmetric(40);
  const auto three_steps = [&](std::int64_t seed) {
    return largest_eigenvalues(a.product(), 40, {.iterations = 3, .seed = seed}).values;
  };
  EXPECT_EQ(three_steps(1), three_steps(1));
  EXPECT_NE(three_steps(1), three_steps(2));
}

// Longer than what one thread takes at a time.
TEST(Lanczos, HasTheSameBitsOnTwoThreads) {
  constexpr std::size_t kSize = 40000;
  const SymmetricOperator chain = [](std::span<const double> v, std::span<double> to) {
    for (std::size_t i = 0; i < v.size(); ++i) {
      to[i] = static_cast<double>(i % 97) * v[i] - (i > 0 ? v[i - 1] : 0) -
              (i + 1 < v.size() ? v[i + 1] : 0);
    }
  };
  const auto on = [&](int threads) {
    LargestEigenvalues found;
    OnThreads shared(threads);
    shared.run([&] { found = largest_eigenvalues(chain, kSize, {.count = 4, .iterations = 30}); });
    return found;
  };
  const LargestEigenvalues alone = on(1);
  const LargestEigenvalues two = on(2);
  EXPECT_EQ(two.values, alone.values);
  EXPECT_EQ(two.error_bounds, alone.error_bounds);
}

TEST(Preconditioned, HasTheEigenvaluesOfTheScaledMatrix) {
  const Dense a = random_symmetric(20);
  std::vector<double> p = direction_of(20, 3);
  for (double& value : p) value = 0.1 + value * value;
  Dense scaled = a;
  for (std::size_t i = 0; i < 20; ++i) {
    for (std::size_t j = 0; j < 20; ++j) scaled.at(i, j) /= std::sqrt(p[i] * p[j]);
  }
  const LargestEigenvalues found =
      largest_eigenvalues(preconditioned(a.product(), p), 20, {.count = 20, .iterations = 20});
  expect_near(found.values, scaled.eigenvalues(), kRounding);
}

TEST(Preconditioned, RefusesWhatIsNotPositive) {
  const Dense a = diagonal({2, 1});
  const std::vector<double> p = {1, 0};
  EXPECT_THROW(preconditioned(a.product(), p), std::invalid_argument);
}

// v_i^2 = 1, so that each sample is the trace itself.
TEST(HutchinsonTrace, OfADiagonalMatrixIsExact) {
  const Dense a = diagonal({3, -1, 0.5, 8});
  const TraceEstimate trace = hutchinson_trace(a.product(), 4, 5, 1);
  EXPECT_NEAR(trace.value, 10.5, 1e-14);
  EXPECT_NEAR(trace.standard_error, 0, 1e-14);
}

// A sample has variance 2 sum over i != j of A_ij^2. Over 4000 samples the mean is within 4 standard
// errors but for one seed in 16000, and the standard error within 4 sqrt(kurtosis / 4000) = 10 %.
TEST(HutchinsonTrace, AgreesWithTheTraceAndKnowsItsError) {
  constexpr std::size_t kSamples = 4000;
  for (const Dense& a : {random_symmetric(30), hessian_of_a_net()}) {
    double off_diagonal = 0;
    for (std::size_t i = 0; i < a.n; ++i) {
      for (std::size_t j = 0; j < a.n; ++j) off_diagonal += i == j ? 0 : a.at(i, j) * a.at(i, j);
    }
    const double error = std::sqrt(2 * off_diagonal / kSamples);
    const TraceEstimate trace = hutchinson_trace(a.product(), a.n, kSamples, 1);
    EXPECT_NEAR(trace.value, a.trace(), 4 * error);
    EXPECT_NEAR(trace.standard_error, error, 0.1 * error);
    EXPECT_NE(trace.value, hutchinson_trace(a.product(), a.n, kSamples, 2).value);
  }
}

TEST(HutchinsonTrace, OfOneSampleKnowsNoError) {
  EXPECT_TRUE(std::isnan(hutchinson_trace(diagonal({1, 2}).product(), 2, 1, 1).standard_error));
}

TEST(SignVector, HasBothSignsAboutEquallyOften) {
  constexpr std::size_t kSize = 10000;
  const std::vector<double> signs = sign_vector(kSize, 1, RandomVector::trace, 0);
  for (const double sign : signs) EXPECT_EQ(std::abs(sign), 1);
  // Four standard deviations of the sum, which is 100.
  EXPECT_LE(std::abs(std::accumulate(signs.begin(), signs.end(), 0.0)), 400);
  double neighbours = 0;
  for (std::size_t i = 0; i + 1 < kSize; ++i) neighbours += signs[i] * signs[i + 1];
  EXPECT_LE(std::abs(neighbours), 400);
  EXPECT_NE(signs, sign_vector(kSize, 1, RandomVector::trace, 1));
}

// Quadrature is exact for polynomials of degree below 2m, and v . A^p v = trace A^p for a diagonal A.
TEST(SpectralDensity, OfADiagonalMatrixHasItsMoments) {
  const Dense a = diagonal({3, -1, 0.5, 8, 2, 2});
  const SpectralDensity density = spectral_density(a.product(), 6, {.starts = 3, .iterations = 3});
  for (int p = 0; p <= 5; ++p) {
    double mean = 0;
    for (std::size_t i = 0; i < 6; ++i) mean += std::pow(a.at(i, i), p) / 6;
    EXPECT_NEAR(density.moment(p), mean, 1e-12 * std::pow(8, p)) << p;
  }
  EXPECT_TRUE(std::ranges::is_sorted(density.eigenvalues));
}

// The second moment is trace A^2 / n; its estimate has variance 2 sum over i != j of (A^2)_ij^2 / n^2 for
// one start, and v . A v / n that of Hutchinson's.
TEST(SpectralDensity, HasTheMomentsOfADenseMatrixWithinFourStandardErrors) {
  constexpr std::size_t kSize = 50;
  constexpr std::size_t kStarts = 200;
  const Dense a = random_symmetric(kSize);
  Dense square{kSize, std::vector<double>(kSize * kSize)};
  for (std::size_t i = 0; i < kSize; ++i) {
    const std::vector<double> row(a.values.begin() + static_cast<std::ptrdiff_t>(i * kSize),
                                  a.values.begin() + static_cast<std::ptrdiff_t>((i + 1) * kSize));
    a.product()(row, std::span(square.values).subspan(i * kSize, kSize));
  }
  const SpectralDensity density =
      spectral_density(a.product(), kSize, {.starts = kStarts, .iterations = 10});
  EXPECT_NEAR(density.moment(0), 1, 1e-12);
  int p = 1;
  for (const Dense& power : {a, square}) {
    double off_diagonal = 0;
    for (std::size_t i = 0; i < kSize; ++i) {
      for (std::size_t j = 0; j < kSize; ++j) {
        off_diagonal += i == j ? 0 : power.at(i, j) * power.at(i, j);
      }
    }
    const double error = std::sqrt(2 * off_diagonal / kStarts) / kSize;
    EXPECT_NEAR(density.moment(p), power.trace() / kSize, 4 * error) << p;
    ++p;
  }
}

TEST(SpectralDensity, IntegratesToOne) {
  const Dense a = random_symmetric(30);
  const SpectralDensity density =
      spectral_density(a.product(), 30, {.starts = 4, .iterations = 30});
  double area = 0;
  // The trapezium rule on a Gaussian with five points to a width is exact to 1e-15 and more.
  for (double x = -60; x <= 60; x += 0.1) area += 0.1 * density.at(x, 0.5);
  EXPECT_NEAR(area, 1, 1e-12);
}

TEST(SpectralDensity, OfNotANumberIsNotANumber) {
  Dense a = random_symmetric(6);
  a.at(2, 3) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(spectral_density(a.product(), 6, {}).moment(1)));
}

}  // namespace
}  // namespace plumbline
