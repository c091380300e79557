// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/network/network.hpp"
#include "engine/training/run_configuration.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

/// (max(0, z), max(0, -z)) in two halves, forward and in double alone.
class MirroredRectifier final : public Activation {
 public:
  std::size_t outputs(std::size_t width) const override { return 2 * width; }
  void forward(MatrixView<const double> z, std::span<const double> /*parameters*/,
               MatrixView<double> a) const override {
    for (std::size_t i = 0; i < z.rows; ++i) {
      for (std::size_t j = 0; j < z.cols; ++j) {
        a(i, j) = std::max(0.0, z(i, j));
        a(i, j + z.cols) = std::max(0.0, -z(i, j));
      }
    }
  }
  void forward(MatrixView<const float> /*z*/, std::span<const float> /*parameters*/,
               MatrixView<float> /*a*/) const override {}
  void backward(MatrixView<const float> /*z*/, MatrixView<const float> /*a*/,
                std::span<const float> /*parameters*/, MatrixView<const float> /*upstream*/,
                MatrixView<float> /*delta*/, std::span<float> /*gradient*/) const override {}
  void backward(MatrixView<const double> /*z*/, MatrixView<const double> /*a*/,
                std::span<const double> /*parameters*/, MatrixView<const double> /*upstream*/,
                MatrixView<double> /*delta*/, std::span<double> /*gradient*/) const override {}
  void tangent(MatrixView<const float> /*z*/, MatrixView<const float> /*a*/,
               std::span<const float> /*parameters*/, MatrixView<const float> /*z_direction*/,
               std::span<const float> /*parameter_direction*/,
               MatrixView<float> /*a_direction*/) const override {}
  void tangent(MatrixView<const double> /*z*/, MatrixView<const double> /*a*/,
               std::span<const double> /*parameters*/, MatrixView<const double> /*z_direction*/,
               std::span<const double> /*parameter_direction*/,
               MatrixView<double> /*a_direction*/) const override {}
  GaussianMoments moments(double /*q*/) const override { return {}; }
};

std::shared_ptr<const Activation> mirrored() { return std::make_shared<MirroredRectifier>(); }
std::shared_ptr<const Activation> plain() { return default_activation("relu"); }

std::shared_ptr<const Initializer> looks_linear(const Activation& activation) {
  return read_with({}, [&](Settings& settings) {
    return initializer_catalogue().find("looks_linear")->make(settings, activation);
  });
}

ModelSettings model_of(std::shared_ptr<const Activation> activation,
                       const std::vector<std::size_t>& widths) {
  ModelSettings model;
  model.widths = widths;
  model.activation = std::move(activation);
  model.output_activation = default_activation("linear");
  return model;
}

/// A fresh net's outputs for each example.
class FreshNet {
 public:
  FreshNet(const ModelSettings& model, std::size_t features, std::size_t outputs)
      : network_(model, features, outputs, 1), parameters_(network_.layout().size()) {
    network_.initialize(*looks_linear(*model.activation), 5, parameters_);
  }
  std::vector<double> operator()(const std::vector<double>& x) {
    const MatrixView<const double> y =
        network_.forward(parameters_, {x.data(), 1, x.size(), x.size()});
    return {y.row(0), y.row(0) + y.cols};
  }
  const Network<double>& network() const { return network_; }
  MatrixView<const double> weights(std::size_t layer) const {
    const ParameterTensor& tensor = network_.layer(layer).weight();
    return {parameters_.data() + tensor.offset, tensor.rows, tensor.cols, tensor.cols};
  }

 private:
  Network<double> network_;
  std::vector<double> parameters_;
};

std::vector<double> example(std::size_t features, std::uint32_t part) {
  Random random(6, RandomStream::data, part);
  std::vector<double> x(features);
  for (double& value : x) value = random.normal();
  return x;
}

double square(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return sum;
}

// Orthogonal to 1e-15 a layer; some ten layers of numbers of the size of 1.
constexpr double kRounding = 1e-13;

void expect_linear(const ModelSettings& model, std::size_t features, std::size_t outputs) {
  FreshNet net(model, features, outputs);
  const std::vector<double> x = example(features, 1);
  const std::vector<double> y = example(features, 2);
  std::vector<double> sum(features);
  std::ranges::transform(x, y, sum.begin(), std::plus<>());
  const std::vector<double> of_x = net(x);
  const std::vector<double> of_y = net(y);
  const std::vector<double> of_sum = net(sum);
  ASSERT_EQ(of_sum.size(), outputs);
  EXPECT_GT(square(of_sum), 1e-3);
  for (std::size_t k = 0; k < outputs; ++k) EXPECT_NEAR(of_x[k] + of_y[k], of_sum[k], kRounding);
}

TEST(LooksLinear, IsALinearMapOfWhateverWidths) {
  expect_linear(model_of(plain(), {20, 14, 26, 26}), 13, 7);
  expect_linear(model_of(mirrored(), {20, 15, 26, 26}), 13, 7);
  expect_linear(model_of(plain(), {20}), 30, 7);
  expect_linear(model_of(plain(), {}), 13, 7);
  expect_linear(model_of(mirrored(), {}), 13, 7);
}

TEST(LooksLinear, KeepsEveryLengthWhereNoLayerIsNarrower) {
  // Ten layers of orthogonal matrices; He's nets would change the length by a factor of random size.
  FreshNet net(model_of(plain(), std::vector<std::size_t>(10, 20)), 10, 10);
  FreshNet wide(model_of(mirrored(), std::vector<std::size_t>(10, 15)), 10, 15);
  const std::vector<double> x = example(10, 3);
  EXPECT_NEAR(square(net(x)), square(x), kRounding * square(x));
  EXPECT_NEAR(square(wide(x)), square(x), kRounding * square(x));
}

TEST(LooksLinear, MirrorsItsWeightsAsThePaperDrawsThem) {
  const FreshNet relu(model_of(plain(), {6, 4}), 5, 3);
  const auto sign_of = [](const MatrixView<const double>& w, std::size_t rows, std::size_t cols) {
    for (std::size_t i = 0; i < w.rows; ++i) {
      for (std::size_t j = 0; j < w.cols; ++j) {
        EXPECT_NE(w(i, j), 0);
        EXPECT_EQ(w(i, j), ((i < rows) == (j < cols) ? 1 : -1) * w(i % rows, j % cols));
      }
    }
  };
  sign_of(relu.weights(0), 3, 5);
  sign_of(relu.weights(1), 2, 3);
  sign_of(relu.weights(2), 3, 2);
  const FreshNet crelu(model_of(mirrored(), {6, 4}), 5, 3);
  sign_of(crelu.weights(0), 6, 5);
  sign_of(crelu.weights(1), 4, 6);
  sign_of(crelu.weights(2), 3, 4);
}

TEST(LooksLinear, NeedsARectifier) {
  for (const char* name : {"tanh", "linear", "gelu", "sigmoid"}) {
    ModelSettings model = model_of(plain(), {8});
    model.activation = default_activation(name);
    EXPECT_EQ(looks_linear(*model.activation)->problem(parameter_layout(model, 13, 5)),
              "is 'looks_linear', which is for relu and crelu alone, not for this activation");
  }
}

TEST(LooksLinear, NeedsEvenWidthsOfRectifiersThatDoNotMirror) {
  const ModelSettings odd = model_of(plain(), {20, 8, 7});
  const ParameterLayout layout = parameter_layout(odd, 13, 5);
  EXPECT_EQ(looks_linear(*odd.activation)->problem(layout),
            "is 'looks_linear', which needs even widths with this activation; layer 3 has 7 units");
  EXPECT_EQ(looks_linear(*mirrored())->problem(parameter_layout(model_of(mirrored(), {7}), 13, 5)),
            "");
  EXPECT_EQ(looks_linear(*plain())->problem(parameter_layout(model_of(plain(), {8}), 13, 5)), "");
  Network<double> network(odd, 13, 5, 1);
  std::vector<double> parameters(network.layout().size());
  EXPECT_THROW(network.initialize(*looks_linear(*odd.activation), 1, parameters),
               std::invalid_argument);
}

TEST(LooksLinear, IsCheckedWhenARunIsConfigured) {
  SettingsTable given = table_of(
      {{"data.name", "xor"}, {"train.batch", 4}, {"model.activation", "relu"}, {"model.width", 7}});
  given.set_path("model.initializer", {std::string("looks_linear"), {"net.toml", 5, 15}});
  SettingsReport report;
  configure(given, report);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(
      report.problems[0].message,
      "'model.initializer' is 'looks_linear', which needs even widths with 'relu'; layer 1 has 7 "
      "units");
  EXPECT_EQ(report.problems[0].place, (Place{"net.toml", 5, 15}));

  given.set_path("model.activation", {std::string("tanh"), {}});
  SettingsReport other;
  configure(given, other);
  ASSERT_EQ(other.problems.size(), 1U);
  EXPECT_EQ(
      other.problems[0].message,
      "'model.initializer' is 'looks_linear', which is for relu and crelu alone, not for 'tanh'");
  EXPECT_EQ(other.problems[0].place, (Place{"net.toml", 5, 15}));
}

}  // namespace
}  // namespace plumbline
