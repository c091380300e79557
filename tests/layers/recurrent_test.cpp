// SPDX-License-Identifier: Apache-2.0
// What the steps of an unrolled layer show of it, and how far slopes go back.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/layers/layer_run.hpp"

namespace plumbline {
namespace {

constexpr std::size_t kSteps = 4;

class UnrolledLayer : public testing::TestWithParam<std::string> {};

// sum over steps of delta_t^T h_{t-1}, what each step shows of itself, is the gradient of the shared
// weights.
TEST_P(UnrolledLayer, ShowsStepsThatAddUpToItsGradient) {
  LayerRun<double> run({.name = GetParam(), .input = Shape::sequence(kSteps, 3), .batch = 2});
  std::vector<double> gradient(run.layout.size());
  run.backward(gradient, {});
  std::vector<const WeightLayer<double>*> steps;
  run.layer->add_weight_layers(steps);
  ASSERT_EQ(steps.size(), kSteps);
  const ParameterTensor& weight = steps.front()->weight();
  double largest = 0;
  for (std::size_t i = 0; i < weight.rows; ++i) {
    for (std::size_t j = 0; j < weight.cols; ++j) {
      double sum = 0;
      for (const WeightLayer<double>* step : steps) {
        for (std::size_t row = 0; row < 2; ++row) {
          sum += step->error_signal()(row, i) * step->input()(row, j);
        }
      }
      const double expected = gradient[weight.offset + i * weight.cols + j];
      EXPECT_NEAR(sum, expected, 1e-13);
      largest = std::max(largest, std::abs(expected));
    }
  }
  EXPECT_GT(largest, 0.01);
}

TEST_P(UnrolledLayer, PassesSlopesBackOverAsManyStepsAsItIsTold) {
  for (const std::int64_t truncate : {0, 2}) {
    LayerRun<double> run({.name = GetParam(),
                          .settings = {{"truncate", node(truncate)}},
                          .input = Shape::sequence(kSteps, 3),
                          .batch = 2});
    // A slope at the last step alone.
    for (std::size_t row = 0; row + 2 < run.slopes().rows; ++row) {
      std::fill_n(run.slopes().row(row), run.slopes().cols, 0.0);
    }
    std::vector<double> gradient(run.layout.size());
    std::vector<double> by_input(kSteps * 2 * 3);
    run.backward(gradient, {by_input.data(), kSteps * 2, 3, 3});
    const auto moves = [&](std::size_t step) {
      return std::any_of(by_input.begin() + static_cast<std::ptrdiff_t>(step * 6),
                         by_input.begin() + static_cast<std::ptrdiff_t>(step * 6 + 6),
                         [](double slope) { return slope != 0; });
    };
    for (std::size_t step = 0; step < kSteps; ++step) {
      EXPECT_EQ(moves(step), truncate == 0 || step >= 2) << step << ", truncate " << truncate;
    }
  }
}

TEST(LstmForgetGate, HasABiasThatStartsAtItsSetting) {
  for (const double bias : {1.0, -2.5}) {
    LayerChoice choice{.name = "lstm", .input = Shape::sequence(kSteps, 3)};
    if (bias != 1) choice.settings = {{"forget_bias", node(bias)}};
    const ParameterLayout layout = LayerRun<double>::layout_of(*choice.kind(), choice.input);
    for (const ParameterTensor& tensor : layout.tensors()) {
      const bool forget = tensor.name == "layer_1.bias_f";
      EXPECT_EQ(tensor.initial, forget ? std::optional(bias) : std::nullopt) << tensor.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, UnrolledLayer, testing::Values("rnn", "lstm", "gru"),
                         [](const auto& instance) { return instance.param; });

// A channel far from 0 has its digits still, and one without variance is no division by 0.
TEST(BatchNormStatistics, KeepTheDigitsOfChannelsFarFromZero) {
  LayerRun<float> run({.name = "batch_norm", .input = Shape::vector(2), .batch = 64});
  run.parameters = {1, 1, 0, 0};
  const MatrixView<float> inputs = run.inputs();
  for (std::size_t i = 0; i < inputs.rows; ++i) {
    inputs(i, 0) = 1e6F + static_cast<float>(i % 4);
    inputs(i, 1) = 123456.7F;
  }
  const MatrixView<const float> outputs = run.forward();
  // Mean 1.5 and variance 1.25 around 1e6.
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(outputs(i, 0), (static_cast<double>(i) - 1.5) / std::sqrt(1.25 + 1e-5), 1e-6);
    EXPECT_NEAR(outputs(i, 1), 0, 1e-2);
  }
}

}  // namespace
}  // namespace plumbline
