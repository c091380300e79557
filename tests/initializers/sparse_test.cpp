// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "engine/network/network.hpp"
#include "tests/initializers/statistics.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

/// Gelfand's formula, radius = lim |A^k|^(1/k), by 60 squarings: |A^k| is radius^k times what an
/// eigenvector's condition and powers of k make of it, the k-th root of which is 1 to 1e-16 at k = 2^60.
double radius_by_squaring(std::vector<double> a, std::size_t n) {
  double log_radius = 0;
  double share = 1;  // of the logarithm: 1 / k
  for (int squaring = 0; squaring < 60; ++squaring) {
    double squares = 0;
    for (const double value : a) squares += value * value;
    const double length = std::sqrt(squares);
    log_radius += share * std::log(length);
    share /= 2;
    for (double& value : a) value /= length;
    std::vector<double> product(n * n, 0);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < n; ++k) {
        for (std::size_t j = 0; j < n; ++j) product[i * n + j] += a[i * n + k] * a[k * n + j];
      }
    }
    a = product;
  }
  return std::exp(log_radius);
}

TEST(SparseTest, HasTheSpectralRadiusThatIsAskedFor) {
  for (const std::size_t n : {1U, 2U, 7U, 50U, 101U}) {
    for (const double radius : {0.3, 1.1}) {
      const auto sparse =
          made(initializer_catalogue(), "sparse", table_of({{"spectral_radius", radius}}));
      const std::vector<double> w = drawn(*sparse, n, n, 5).weights;
      EXPECT_NEAR(radius_by_squaring(w, n), radius, 1e-10 * radius) << n;
      for (std::size_t i = 0; i < n; ++i) {
        const auto row = w.begin() + static_cast<std::ptrdiff_t>(i * n);
        EXPECT_EQ(n - static_cast<std::size_t>(std::count(row, row + static_cast<int>(n), 0.0)),
                  std::min<std::size_t>(15, n));
      }
    }
  }
}

TEST(SparseTest, IsTheSameMatrixButForAFactor) {
  const auto plain = made(initializer_catalogue(), "sparse");
  const auto scaled = made(initializer_catalogue(), "sparse", table_of({{"spectral_radius", 1.1}}));
  const std::vector<double> before = drawn(*plain, 40, 40, 6).weights;
  const std::vector<double> after = drawn(*scaled, 40, 40, 6).weights;
  const double factor = 1.1 / radius_by_squaring(before, 40);
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_NEAR(after[i], factor * before[i], 1e-10);
  }
  EXPECT_TRUE(plain->weight_variance(40, 40).has_value());
  EXPECT_FALSE(scaled->weight_variance(40, 40).has_value());
}

TEST(SparseTest, StartsTheStateWeightsOfEveryGate) {
  constexpr std::size_t kUnits = 30;
  const ModelSettings model =
      read_with(table_of({{"kind", "lstm"},
                          {"width", static_cast<int>(kUnits)},
                          {"recurrent_initializer.name", "sparse"},
                          {"recurrent_initializer.spectral_radius", 1.1}}),
                [](Settings& settings) { return ModelSettings::read(settings); });
  Network<double> network(model, Shape::sequence(4, 3), 2, 1);
  std::vector<double> parameters(network.layout().size());
  network.initialize(*model.initializer, 3, parameters);
  int gates = 0;
  for (const ParameterTensor& tensor : network.layout().tensors()) {
    if (tensor.group != ParameterGroup::recurrent) continue;
    ++gates;
    const auto first = parameters.begin() + static_cast<std::ptrdiff_t>(tensor.offset);
    EXPECT_NEAR(radius_by_squaring({first, first + kUnits * kUnits}, kUnits), 1.1, 1e-10);
  }
  EXPECT_EQ(gates, 4);
}

TEST(SparseTest, RefusesASpectralRadiusWhereThereIsNone) {
  const auto sparse = made(initializer_catalogue(), "sparse", table_of({{"spectral_radius", 1.1}}));
  ParameterLayout layout;
  layout.add("layer_1.weight", 1, ParameterGroup::input, 5, 5);
  layout.add("layer_1.recurrent", 1, ParameterGroup::recurrent, 5, 5);
  EXPECT_EQ(sparse->problem(layout), "");
  layout.add("layer_2.weight", 2, ParameterGroup::output, 3, 5);
  EXPECT_EQ(sparse->problem(layout),
            "is more than 0, and square matrices alone have one; layer_2.weight is 3 x 5");
  EXPECT_EQ(sparse->problem_setting(), "spectral_radius");
  EXPECT_EQ(made(initializer_catalogue(), "sparse")->problem(layout), "");

  const SettingsTable zeros = table_of({{"spectral_radius", 1.1}, {"std", 0}});
  SettingsReport report;
  Settings settings(zeros, "", report);
  make_entry(*initializer_catalogue().find("sparse"), settings);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_THAT(report.problems[0].message, testing::HasSubstr("'std' is 0, and no matrix of zeros"));
}

}  // namespace
}  // namespace plumbline
