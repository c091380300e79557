// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "engine/network/network.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

// Columns of some ten numbers, orthonormal but for a few roundings of 1e-16.
constexpr double kTolerance = 1e-12;

std::shared_ptr<const Initializer> delta_orthogonal(double gain = 1) {
  return made(initializer_catalogue(), "delta_orthogonal", table_of({{"gain", gain}}));
}

/// The weights of a convolution of `channels` over `inputs`, with kernels of size x size.
struct Kernels {
  Kernels(std::size_t to, std::size_t from, std::size_t side, double gain = 1)
      : channels(to), inputs(from), size(side), values(to * side * side * from, -99) {
    const ParameterTensor tensor{
        "layer_2.weight", 2, ParameterGroup::hidden, to, side * side * from, 0, {}, side * side};
    Random random(3, RandomStream::init, 2);
    delta_orthogonal(gain)->fill_weights(tensor, {values.data(), to, tensor.cols, tensor.cols},
                                         random);
  }
  /// Of output channel h for channel c of the pixel in this line and column of the window.
  double operator()(std::size_t h, std::size_t line, std::size_t column, std::size_t c) const {
    return values[((h * size + line) * size + column) * inputs + c];
  }

  std::size_t channels;
  std::size_t inputs;
  std::size_t size;
  std::vector<double> values;
};

TEST(DeltaOrthogonalTest, HasOrthonormalColumnsAtTheCentreAndZerosAroundIt) {
  for (const std::size_t size : {1U, 3U, 5U}) {
    for (const auto& [to, from] : {std::pair<std::size_t, std::size_t>{12, 7}, {7, 7}, {5, 1}}) {
      constexpr double kGain = 1.3;
      const Kernels w(to, from, size, kGain);
      const std::size_t middle = size / 2;
      for (std::size_t h = 0; h < to; ++h) {
        for (std::size_t line = 0; line < size; ++line) {
          for (std::size_t column = 0; column < size; ++column) {
            if (line == middle && column == middle) continue;
            for (std::size_t c = 0; c < from; ++c) EXPECT_EQ(w(h, line, column, c), 0);
          }
        }
      }
      for (std::size_t c = 0; c < from; ++c) {
        for (std::size_t d = 0; d < from; ++d) {
          double product = 0;
          for (std::size_t h = 0; h < to; ++h) {
            product += w(h, middle, middle, c) * w(h, middle, middle, d);
          }
          EXPECT_NEAR(product, c == d ? kGain * kGain : 0, kTolerance);
        }
      }
    }
  }
}

TEST(DeltaOrthogonalTest, HasTheStatedVarianceOverAllPlaces) {
  const Kernels w(12, 7, 3, 2);
  double squares = 0;
  for (const double value : w.values) squares += value * value;
  EXPECT_NEAR(squares / static_cast<double>(w.values.size()),
              delta_orthogonal(2)->weight_variance(9 * 7, 9 * 12).value(), kTolerance);
}

ModelSettings cnn(std::initializer_list<Written> more) {
  SettingsTable table = table_of({{"kind", "cnn"},
                                  {"depth", 20},
                                  {"width", 6},
                                  {"activation", "linear"},
                                  {"initializer", "delta_orthogonal"}});
  for (const Written& setting : more) table.set_path(setting.path, setting.node);
  return read_with(table, [](Settings& settings) { return ModelSettings::read(settings); });
}

// Twenty linear convolutions with zeros around the image: |z_20| = |x|, and |delta_1| = |delta_20|.
TEST(DeltaOrthogonalTest, KeepsTheLengthOfAnImageAndOfItsErrorsThroughTwentyConvolutions) {
  const Shape image = Shape::image(3, 5, 4);
  const ModelSettings model = cnn({});
  Network<double> network(model, image, 10, 1);
  std::vector<double> parameters(network.layout().size());
  network.initialize(*model.initializer, 4, parameters);
  Random random(5, RandomStream::data, 0);
  std::vector<double> x(image.size());
  double length = 0;
  for (double& value : x) {
    value = random.normal();
    length += value * value;
  }
  network.forward(parameters, {x.data(), 1, x.size(), x.size()});
  const MatrixView<double> top = network.output_gradient();
  for (std::size_t j = 0; j < top.cols; ++j) top(0, j) = random.normal();
  std::vector<double> gradient(parameters.size());
  network.backward(parameters, {x.data(), 1, x.size(), x.size()}, gradient);
  const auto squares = [](MatrixView<const double> row) {
    double sum = 0;
    for (std::size_t j = 0; j < row.cols; ++j) sum += row(0, j) * row(0, j);
    return sum;
  };
  ASSERT_EQ(network.depth(), 21U);
  EXPECT_NEAR(squares(network.layer(19).pre_activation()) / length, 1, kTolerance);
  EXPECT_NEAR(squares(network.layer(0).error_signal()) / squares(network.layer(19).error_signal()),
              1, kTolerance);
}

std::string problem_of(const std::initializer_list<Written>& more, const Shape& input) {
  return delta_orthogonal()->problem(parameter_layout(cnn(more), input, 10));
}

TEST(DeltaOrthogonalTest, RefusesKernelsWithoutACentreAndFewerChannelsThanBefore) {
  EXPECT_EQ(problem_of({}, Shape::image(3, 5, 4)), "");
  EXPECT_EQ(
      problem_of({}, Shape::image(8, 5, 4)),
      "is 'delta_orthogonal', which needs convolutions with at least as many channels as their "
      "input; layer 1 has 6 on 8");
  TensorList tensors;
  tensors.begin_weight_layer();
  tensors.add("weight", ParameterGroup::hidden, 6, 4 * 3, {}, 4);
  EXPECT_EQ(delta_orthogonal()->problem(tensors.layout()),
            "is 'delta_orthogonal', which needs kernels of odd size, which have a centre; layer 1 "
            "has 2 x 2");
  EXPECT_THROW(Kernels(6, 3, 2), std::invalid_argument);
  EXPECT_THROW(Kernels(6, 8, 3), std::invalid_argument);
}

}  // namespace
}  // namespace plumbline
