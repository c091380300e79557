// SPDX-License-Identifier: Apache-2.0
// The band of a batch's error signal against random nets.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "engine/network/network.hpp"
#include "engine/theory/finite_width.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

constexpr std::size_t kWidth = 40;
constexpr std::size_t kLayers = 12;
constexpr int kNets = 250;
constexpr int kBands = 10;  // of the first nets

struct Spread {
  double of_nets = 0;    // standard deviation of ln |delta_1|^2 over random nets
  double predicted = 0;  // in the mean over batches
  double of_one_example = 0;
};

// Inputs of pairwise correlation `alike`, and slopes in the outputs that are the same for every second example and
// else independent, for random nets.
Spread spread_of(const std::string& name, double weight_variance, std::size_t batch, double alike) {
  ModelSettings model;
  model.widths.assign(kLayers, kWidth);
  model.activation = make_plugin(activation_catalogue(), name);
  model.output_activation = make_plugin(activation_catalogue(), "linear");
  model.initializer = make_plugin(initializer_catalogue(), "mean_field",
                                  {{"weight_variance", node(weight_variance)}});
  Network<double> network(model, kWidth, kWidth, batch);
  std::vector<double> parameters(network.layout().size());
  std::vector<double> gradient(network.layout().size());
  const std::vector<TheoryLayer> layers(kLayers + 1, {kWidth, weight_variance / kWidth, 0});
  const auto band = [&](const std::vector<PairGroup>& pairs) {
    const ErrorSignalTheory theory = error_signal_theory(*model.activation, layers, kWidth, pairs);
    return 2 * std::log(theory.high[0] / theory.low[0]) / (2 * 1.959963984540054);
  };
  const auto square = [&](std::size_t layer) {
    const MatrixView<const double> delta = network.layer(layer).error_signal();
    double sum = 0;
    for (std::size_t i = 0; i < delta.rows; ++i) {
      for (std::size_t j = 0; j < delta.cols; ++j) sum += delta(i, j) * delta(i, j);
    }
    return sum;
  };
  double sum = 0;
  double squares = 0;
  Spread spread;
  for (int net = 0; net < kNets; ++net) {
    network.initialize(*model.initializer, net, parameters);
    Random random(net, RandomStream::data, 0);
    std::vector<double> common(kWidth);
    for (double& value : common) value = random.normal();
    std::vector<double> x;
    for (std::size_t i = 0; i < batch; ++i) {
      for (const double value : common) {
        x.push_back(std::sqrt(alike) * value + std::sqrt(1 - alike) * random.normal());
      }
    }
    const MatrixView<const double> inputs{x.data(), batch, kWidth, kWidth};
    network.forward(parameters, inputs);
    const MatrixView<double> upstream = network.output_gradient();
    for (std::size_t i = 0; i < batch; ++i) {
      for (std::size_t j = 0; j < kWidth; ++j) {
        upstream(i, j) = i % 2 == 1 ? upstream(i - 1, j) : random.normal();
      }
    }
    network.backward(parameters, inputs, gradient);
    const double log_ratio = std::log(square(0) / square(kLayers));
    sum += log_ratio;
    squares += log_ratio * log_ratio;
    if (net >= kBands) continue;
    spread.predicted +=
        band(pair_groups<double>(inputs, network.layer(kLayers).error_signal())) / kBands;
  }
  spread.of_nets = std::sqrt((squares - sum * sum / kNets) / (kNets - 1));
  spread.of_one_example = band({PairGroup()});
  return spread;
}

// Of 250 nets a standard deviation has a standard error of 1 / sqrt(500) = 4.5 %, three of which are 13 %; the next
// order in 12 / 40, and for tanh the length that varies too, are half as much again. One example's band is wider by half
// and more.
constexpr double kSpread = 0.2;

TEST(BatchBandTest, IsThatOfRandomNets) {
  for (const auto& [name, weight_variance] :
       {std::pair("relu", 2.0), std::pair("tanh", 1.0), std::pair("sigmoid", 1.0)}) {
    for (const double alike : {0.0, 0.7}) {
      const Spread spread = spread_of(name, weight_variance, 8, alike);
      EXPECT_NEAR(spread.of_nets / spread.predicted, 1, kSpread) << name << " alike " << alike;
      EXPECT_GT(spread.of_one_example, 1.4 * spread.of_nets) << name << " alike " << alike;
    }
  }
}

// 2 layers of 2 units let the sum over pairs grow by a factor of 2 and more each.
TEST(BatchBandTest, IsFiniteInNetsThatAreNarrowAndDeep) {
  constexpr std::size_t kDepth = 2000;
  const std::vector<TheoryLayer> layers(kDepth, {2, 0.5, 0});
  const std::vector<PairGroup> pairs = {{1, 0.25, 0.25}, {0.3, 0.75, 0.1}};
  const auto linear = make_plugin(activation_catalogue(), "linear");
  const ErrorSignalTheory theory = error_signal_theory(*linear, layers, 2, pairs);
  for (std::size_t l = 0; l + 1 < kDepth; ++l) {
    ASSERT_FALSE(std::isnan(theory.low[l]) || std::isnan(theory.high[l])) << l;
  }
}

TEST(BatchBandTest, OfExamplesThatAreAllAlikeIsThatOfOne) {
  const std::vector<TheoryLayer> layers(kLayers + 1, {kWidth, 1.0 / kWidth, 0.1});
  const std::vector<PairGroup> alike = {{1, 0.25, 0.25}, {1, 0.75, 0.75}};
  for (const char* name : {"relu", "tanh", "gelu"}) {
    const auto phi = make_plugin(activation_catalogue(), name);
    const ErrorSignalTheory one = error_signal_theory(*phi, layers, kWidth);
    const ErrorSignalTheory batch = error_signal_theory(*phi, layers, kWidth, alike);
    // A correlation of 1 - 1e-13 is an angle of 4e-7, of which relu's means have a share of 1e-7.
    constexpr double kRounding = 1e-6;
    for (std::size_t l = 0; l <= kLayers; ++l) {
      EXPECT_NEAR(batch.low[l], one.low[l], kRounding * one.low[l]);
      EXPECT_NEAR(batch.high[l], one.high[l], kRounding * one.high[l]);
    }
  }
}

}  // namespace
}  // namespace plumbline
