// SPDX-License-Identifier: Apache-2.0
// lsuv: what the first batch makes of the weights.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/network/network.hpp"
#include "tests/initializers/statistics.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

constexpr std::size_t kFeatures = 12;
constexpr std::size_t kOutputs = 5;
constexpr std::size_t kBatch = 32;

/// A net of 13, 20 and 9 hidden units, started by lsuv on `inputs`.
class Started {
 public:
  Started(const char* activation, const std::vector<double>& inputs)
      : network_(model(activation), kFeatures, kOutputs, kBatch),
        parameters_(network_.layout().size()) {
    const MatrixView<const double> x{inputs.data(), kBatch, kFeatures, kFeatures};
    network_.initialize(*made(initializer_catalogue(), "lsuv"), 3, parameters_, x);
    network_.forward(parameters_, x);
  }

  const Network<double>& network() const { return network_; }
  MatrixView<const double> weights(std::size_t layer) const {
    const ParameterTensor& tensor = network_.layer(layer).weight();
    return {parameters_.data() + tensor.offset, tensor.rows, tensor.cols, tensor.cols};
  }
  const std::vector<double>& parameters() const { return parameters_; }

 private:
  static ModelSettings model(const char* activation) {
    ModelSettings model;
    model.widths = {13, 20, 9};
    model.activation = default_activation(activation);
    model.output_activation = default_activation("linear");
    return model;
  }

  Network<double> network_;
  std::vector<double> parameters_;
};

std::vector<double> batch_of_normals(double mean, double deviation) {
  Random random(4, RandomStream::data, 0);
  std::vector<double> inputs(kBatch * kFeatures);
  for (double& value : inputs) value = mean + deviation * random.normal();
  return inputs;
}

std::vector<double> values_of(MatrixView<const double> matrix) {
  std::vector<double> values;
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    values.insert(values.end(), matrix.row(i), matrix.row(i) + matrix.cols);
  }
  return values;
}

TEST(Lsuv, MakesUnitVarianceInEveryLayer) {
  // Two roundings of each weight and of each product: a few 1e-16. Orthogonal weights alone leave the
  // variances of these layers between 0.01 and 30.
  constexpr double kExact = 1e-10;
  for (const char* activation : {"tanh", "relu", "sigmoid"}) {
    const Started net(activation, batch_of_normals(2, 5));
    ASSERT_EQ(net.network().depth(), 4U);
    for (std::size_t layer = 0; layer < 4; ++layer) {
      const std::vector<double> z = values_of(net.network().layer(layer).pre_activation());
      EXPECT_NEAR(central_moment(z, mean(z), 2), 1, kExact) << activation << layer;
    }
  }
}

TEST(Lsuv, ScalesEachLayerAsAWhole) {
  // W W^T or W^T W is a multiple of I.
  const Started net("tanh", batch_of_normals(0, 1));
  for (std::size_t layer = 0; layer < 4; ++layer) {
    const MatrixView<const double> w = net.weights(layer);
    const bool wide = w.rows < w.cols;
    const auto entry = [&](std::size_t vector, std::size_t i) {
      return wide ? w(vector, i) : w(i, vector);
    };
    const std::size_t vectors = std::min(w.rows, w.cols);
    const std::size_t length = std::max(w.rows, w.cols);
    const auto product = [&](std::size_t a, std::size_t b) {
      double sum = 0;
      for (std::size_t i = 0; i < length; ++i) sum += entry(a, i) * entry(b, i);
      return sum;
    };
    const double square = product(0, 0);
    EXPECT_GT(std::abs(square - 1), 1e-3);
    for (std::size_t a = 0; a < vectors; ++a) {
      for (std::size_t b = 0; b <= a; ++b) {
        EXPECT_NEAR(product(a, b), a == b ? square : 0, 1e-12 * square);
      }
    }
  }
}

TEST(Lsuv, KeepsOrthogonalWeightsWhereTheBatchHasNoVariance) {
  const Started net("tanh", std::vector<double>(kBatch * kFeatures));
  const Started other("tanh", batch_of_normals(0, 1));
  for (std::size_t layer = 0; layer < 4; ++layer) {
    const MatrixView<const double> kept = net.weights(layer);
    const MatrixView<const double> scaled = other.weights(layer);
    const double factor = scaled(0, 0) / kept(0, 0);
    EXPECT_NE(factor, 1);
    double square = 0;
    for (const double w : values_of(kept)) square += w * w;
    EXPECT_NEAR(square, static_cast<double>(std::min(kept.rows, kept.cols)), 1e-12);
    for (std::size_t i = 0; i < kept.rows; ++i) {
      for (std::size_t j = 0; j < kept.cols; ++j) {
        EXPECT_NEAR(scaled(i, j), factor * kept(i, j), 1e-13 * factor);
      }
    }
  }
}

TEST(Lsuv, FactorIsOneOverTheDeviationAboutTheMean) {
  const auto lsuv = made(initializer_catalogue(), "lsuv");
  EXPECT_TRUE(lsuv->looks_at_data());
  const std::vector<double> z = {1, 3, -99, 3, 1, -99};  // rows of 2, padded to 3
  EXPECT_EQ(lsuv->weight_factor({z.data(), 2, 2, 3}), 1);
  const std::vector<double> wide = {10, 18, -99, 18, 10, -99};
  EXPECT_EQ(lsuv->weight_factor({wide.data(), 2, 2, 3}), 0.25);
}

}  // namespace
}  // namespace plumbline
