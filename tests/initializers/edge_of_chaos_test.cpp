// SPDX-License-Identifier: Apache-2.0
// Error signals of nets at the edge of chaos neither grow nor shrink.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "engine/network/network.hpp"
#include "engine/theory/length_map.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

std::shared_ptr<const Initializer> edge_of_chaos(const Activation& activation,
                                                 double bias_variance) {
  return read_with(table_of({{"bias_variance", bias_variance}}), [&](Settings& settings) {
    return initializer_catalogue().find("edge_of_chaos")->make(settings, activation);
  });
}

constexpr std::size_t kWidth = 200;
constexpr std::size_t kDepth = 31;  // hidden layers
constexpr std::size_t kBatch = 8;
constexpr int kSeeds = 12;

/// ln(|delta_1|^2 / |delta_31|^2) / 30 of one net whose inputs have the length q in layer 1: ln chi_1.
double log_chi(const Activation& activation, const ModelSettings& model, double q,
               std::int64_t seed) {
  const Initializer& initializer = *model.initializer;
  Network<double> network(model, kWidth, 10, kBatch);
  std::vector<double> parameters(network.layout().size());
  std::vector<double> gradient(network.layout().size());
  network.initialize(initializer, seed, parameters);
  const double weight_variance = initializer.weight_variance(1, 1).value();
  EXPECT_NEAR(q, initializer.bias_variance() + weight_variance * activation.moments(q).square,
              1e-9 * q);

  Random random(seed, RandomStream::data, 0);
  std::vector<double> inputs(kBatch * kWidth);
  for (std::size_t i = 0; i < kBatch; ++i) {
    double square = 0;
    for (std::size_t j = 0; j < kWidth; ++j) {
      inputs[i * kWidth + j] = random.normal();
      square += inputs[i * kWidth + j] * inputs[i * kWidth + j] / kWidth;
    }
    const double wanted = (q - initializer.bias_variance()) / weight_variance;
    for (std::size_t j = 0; j < kWidth; ++j) inputs[i * kWidth + j] *= std::sqrt(wanted / square);
  }
  const MatrixView<const double> x{inputs.data(), kBatch, kWidth, kWidth};
  network.forward(parameters, x);
  const MatrixView<double> upstream = network.output_gradient();
  for (std::size_t i = 0; i < kBatch; ++i) {
    for (std::size_t j = 0; j < upstream.cols; ++j) upstream(i, j) = random.normal();
  }
  network.backward(parameters, x, gradient);
  const auto square = [&](std::size_t layer) {
    const MatrixView<const double> delta = network.layer(layer).error_signal();
    double sum = 0;
    for (std::size_t i = 0; i < delta.rows; ++i) {
      for (std::size_t j = 0; j < delta.cols; ++j) sum += delta(i, j) * delta(i, j);
    }
    return sum;
  };
  return std::log(square(0) / square(kDepth - 1)) / (kDepth - 1);
}

TEST(EdgeOfChaos, MeasuredChiIsOne) {
  struct Point {
    const char* activation;
    double bias_variance;
  };
  for (const Point& point : {Point{"tanh", 0.05}, {"tanh", 0.3}, {"relu", 0}}) {
    const auto activation = default_activation(point.activation);
    ModelSettings model;
    model.widths.assign(kDepth, kWidth);
    model.activation = activation;
    model.output_activation = default_activation("linear");
    model.initializer = edge_of_chaos(*activation, point.bias_variance);
    const double weight_variance = model.initializer->weight_variance(1, 1).value();
    const double q = length_fixed_point(*activation, weight_variance, point.bias_variance);
    double sum = 0;
    double sum_of_squares = 0;
    for (int seed = 1; seed <= kSeeds; ++seed) {
      const double value = log_chi(*activation, model, q, seed);
      sum += value;
      sum_of_squares += value * value;
    }
    const double mean = sum / kSeeds;
    const double error = std::sqrt((sum_of_squares - kSeeds * mean * mean) / (kSeeds - 1) / kSeeds);
    std::cout << "[ measured ] " << point.activation << ", sigma_b^2 " << point.bias_variance
              << ", sigma_w^2 " << weight_variance << ": ln chi_1 = " << mean << " +- " << error
              << '\n';
    // Five standard errors, and the bias of a logarithm's mean: kappa / 2n a layer, with kappa 5 for
    // relu and less for tanh at these lengths. At (1.5, 0.05) ln chi_1 is -0.063, at (1, 0) of relu
    // -0.69.
    constexpr double kBias = 5.0 / (2 * kWidth);
    EXPECT_NEAR(mean, 0, kBias + 5 * error) << point.activation << point.bias_variance;
    EXPECT_LT(kBias + 5 * error, 0.05) << "else the seeds decide";
  }
}

TEST(EdgeOfChaos, HasTheVariancesOfTheCriticalPoint) {
  const auto tanh = default_activation("tanh");
  const auto drawer = edge_of_chaos(*tanh, 0.05);
  // (1.76, 0.05): Schoenholz et al. 2017, figure 1; the digits beyond are mpmath's.
  EXPECT_NEAR(drawer->weight_variance(100, 7).value(), 0.017609546396, 1e-13);
  EXPECT_EQ(drawer->bias_variance(), 0.05);
  EXPECT_NEAR(edge_of_chaos(*tanh, 0)->weight_variance(10, 7).value(), 0.1, 1e-13);
  EXPECT_NEAR(edge_of_chaos(*default_activation("relu"), 0)->weight_variance(10, 7).value(), 0.2,
              1e-13);
}

TEST(EdgeOfChaos, SaysWhereThereIsNone) {
  const auto complaint = [](const char* activation, double bias_variance) {
    const SettingsTable given = table_of({{"bias_variance", bias_variance}});
    SettingsReport report;
    Settings settings(given, "model.initializer", report);
    initializer_catalogue()
        .find("edge_of_chaos")
        ->make(settings, {*default_activation(activation), activation});
    return report.problems.size() == 1 ? report.problems[0].message : "not one problem";
  };
  EXPECT_EQ(
      complaint("relu", 0.05),
      "'model.initializer.bias_variance' is 0.05, where relu has no weight variance at the edge "
      "of chaos; it has one at 0");
  EXPECT_EQ(complaint("gelu", 0),
            "'model.initializer.bias_variance' is 0, where gelu has no weight variance at the edge "
            "of chaos; it has one at 0.5");
  EXPECT_EQ(complaint("gelu", 0.5), "not one problem");
}

}  // namespace
}  // namespace plumbline
