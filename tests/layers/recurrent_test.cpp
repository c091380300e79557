// SPDX-License-Identifier: Apache-2.0
// What the steps of an unrolled layer show of it, how far slopes go back, and what its results depend on.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "tests/kernels/bits.hpp"
#include "tests/kernels/on_threads.hpp"
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

// The last piece is a whole one: what the last step's slope moves does not depend on the length.
TEST_P(UnrolledLayer, PassesSlopesBackInPiecesCountedFromTheLastStep) {
  constexpr std::size_t kLong = 7;
  for (const std::size_t truncate : {0U, 1U, 2U, 3U, 7U, 100U}) {
    LayerRun<double> run({.name = GetParam(),
                          .settings = {{"truncate", node(truncate)}},
                          .input = Shape::sequence(kLong, 3),
                          .batch = 2});
    const auto piece = [&](std::size_t step) {
      return truncate == 0 ? 0 : (kLong - 1 - step) / truncate;
    };
    for (std::size_t only = 0; only < kLong; ++only) {
      const MatrixView<double> slopes = run.slopes();
      for (std::size_t row = 0; row < slopes.rows; ++row) {
        std::fill_n(slopes.row(row), slopes.cols, row / 2 == only ? 1.0 : 0.0);
      }
      std::vector<double> gradient(run.layout.size());
      std::vector<double> by_input(kLong * 2 * 3);
      run.backward(gradient, {by_input.data(), kLong * 2, 3, 3});
      for (std::size_t step = 0; step < kLong; ++step) {
        const bool moves = std::ranges::any_of(std::span(by_input).subspan(step * 6, 6),
                                               [](double slope) { return slope != 0; });
        EXPECT_EQ(moves, step <= only && piece(step) == piece(only))
            << "step " << step << " by a slope at " << only << ", truncate " << truncate;
      }
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

// The gate u is 1 from the second step on, where its sum is large: the state of the first stays, to the
// last bit. n + u (h - n), the same in exact arithmetic, would not keep it.
template <typename T>
void expect_that_a_closed_gate_keeps_the_state() {
  constexpr std::size_t kBatch = 2;
  LayerRun<T> run({.name = "gru", .input = Shape::sequence(kSteps, 3), .batch = kBatch});
  for (const ParameterTensor& tensor : run.layout.tensors()) {
    if (tensor.name != "layer_1.weight_u") continue;
    for (std::size_t unit = 0; unit < tensor.rows; ++unit) {
      run.parameters[tensor.offset + unit * tensor.cols] = 1000;
    }
  }
  const MatrixView<T> x = run.inputs();
  for (std::size_t row = 0; row < x.rows; ++row) x(row, 0) = row < kBatch ? T(0) : T(1);
  const MatrixView<const T> h = run.forward();
  ASSERT_EQ(h.rows, kSteps * kBatch);
  for (std::size_t row = kBatch; row < h.rows; ++row) {
    for (std::size_t unit = 0; unit < h.cols; ++unit) {
      EXPECT_NE(h(row, unit), T(0));
      EXPECT_EQ(bits_of(h(row, unit)), bits_of(h(row % kBatch, unit)));
    }
  }
}

TEST(GruUpdateGate, KeepsTheStateToTheLastBitWhereItIsOne) {
  expect_that_a_closed_gate_keeps_the_state<float>();
  expect_that_a_closed_gate_keeps_the_state<double>();
}

INSTANTIATE_TEST_SUITE_P(All, UnrolledLayer, testing::Values("rnn", "lstm", "gru"),
                         [](const auto& instance) { return instance.param; });

struct RecurrentCase {
  std::string name;
  std::size_t units = 0;
  std::vector<Setting> settings = {};
};

std::vector<RecurrentCase> recurrent_cases() {
  std::vector<RecurrentCase> cases;
  for (const std::size_t units : {1U, 3U, 17U, 50U}) {
    for (const char* name : {"rnn", "lstm", "gru"}) cases.push_back({name, units});
    cases.push_back({"lstm", units, {{"peepholes", node(true)}, {"truncate", node(2)}}});
  }
  return cases;
}

class RecurrentResults : public testing::TestWithParam<RecurrentCase> {
 protected:
  static constexpr std::size_t kInputs = 3;

  static LayerChoice choice(std::size_t batch) {
    return {.name = GetParam().name,
            .settings = GetParam().settings,
            .input = Shape::sequence(kSteps, kInputs),
            .batch = batch,
            .width = GetParam().units};
  }

  template <typename T>
  struct Passes {
    std::vector<std::vector<T>> by_example;  ///< outputs, then input gradients
    std::vector<T> gradient;

    bool operator==(const Passes&) const = default;
  };

  /// Runs `count` examples of `all` from number `first` on by `layer`.
  template <typename T>
  static Passes<T> passes(LayerRun<T>& all, Layer<T>& layer, std::size_t batch, std::size_t first,
                          std::size_t count) {
    Buffer<T> inputs(kSteps * count, Shape::vector(kInputs));
    Buffer<T> input_gradient(kSteps * count, Shape::vector(kInputs));
    const auto copy = [&](MatrixView<T> from, MatrixView<T> to) {
      for (std::size_t row = 0; row < to.rows; ++row) {
        std::copy_n(from.row(row / count * batch + first + row % count), to.cols, to.row(row));
      }
    };
    copy(all.inputs(), inputs.first_rows(kSteps * count));
    Passes<T> result;
    result.by_example.resize(count);
    const auto append = [&](MatrixView<const T> rows) {
      for (std::size_t row = 0; row < rows.rows; ++row) {
        std::vector<T>& values = result.by_example[row % count];
        values.insert(values.end(), rows.row(row), rows.row(row) + rows.cols);
      }
    };
    append(layer.forward(all.parameters, inputs.first_rows(kSteps * count), {}));
    copy(all.slopes(), layer.output_gradient());
    result.gradient.resize(all.parameters.size());
    layer.backward(all.parameters, inputs.first_rows(kSteps * count), T(1), result.gradient,
                   input_gradient.first_rows(kSteps * count));
    append(input_gradient.first_rows(kSteps * count));
    EXPECT_TRUE(layer.finite());
    return result;
  }
};

// Batches of one; and smaller and larger batches after each other in one layer, which leave their numbers
// in its buffers, beside a layer that has seen nothing else.
TEST_P(RecurrentResults, OfAnExampleDoNotDependOnTheOthers) {
  constexpr std::size_t kBatch = 5;
  LayerRun<float> all(choice(kBatch));
  const auto together = passes(all, *all.layer, kBatch, 0, kBatch);
  std::vector<double> sum(all.parameters.size());
  for (std::size_t b = 0; b < kBatch; ++b) {
    LayerRun<float> fresh(choice(kBatch));
    const auto alone = passes(all, *fresh.layer, kBatch, b, 1);
    EXPECT_TRUE(passes(all, *all.layer, kBatch, b, 1) == alone) << "example " << b;
    EXPECT_EQ(alone.by_example.front(), together.by_example[b]) << "example " << b;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += double{alone.gradient[i]};
  }
  EXPECT_TRUE(passes(all, *all.layer, kBatch, 0, kBatch) == together);
  // Roundings of 20 terms of up to some 10.
  for (std::size_t i = 0; i < sum.size(); ++i) EXPECT_NEAR(together.gradient[i], sum[i], 2e-5);
}

// Enough examples that a step's gates and products are shared out among threads where a layer is wide.
TEST_P(RecurrentResults, AreTheSameBitsAtAnyNumberOfThreads) {
  constexpr std::size_t kBatch = 400;
  LayerRun<float> all(choice(kBatch));
  const auto alone = passes(all, *all.layer, kBatch, 0, kBatch);
  for (const int threads : {1, 2, 3, 5}) {
    // In a layer of its own, which does not hold the right numbers already.
    LayerRun<float> fresh(choice(kBatch));
    OnThreads on(threads);
    on.run([&] {
      EXPECT_TRUE(passes(all, *fresh.layer, kBatch, 0, kBatch) == alone) << threads << " threads";
    });
  }
}

// The lanes and tails of float and double differ; the formula is one.
TEST_P(RecurrentResults, AreTheSameInBothPrecisionsUpToRounding) {
  constexpr std::size_t kBatch = 4;
  LayerRun<float> narrow(choice(kBatch));
  LayerRun<double> wide(choice(kBatch));
  std::ranges::copy(narrow.parameters, wide.parameters.begin());
  for (std::size_t row = 0; row < kSteps * kBatch; ++row) {
    std::copy_n(narrow.inputs().row(row), kInputs, wide.inputs().row(row));
    std::copy_n(narrow.slopes().row(row), GetParam().units, wide.slopes().row(row));
  }
  const auto found = passes(narrow, *narrow.layer, kBatch, 0, kBatch);
  const auto expected = passes(wide, *wide.layer, kBatch, 0, kBatch);
  const auto expect_near = [](const std::vector<float>& a, const std::vector<double>& b) {
    double largest = 0;
    for (const double value : b) largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 3e-6 * largest) << i;
  };
  expect_near(found.gradient, expected.gradient);
  for (std::size_t b = 0; b < kBatch; ++b) {
    expect_near(found.by_example[b], expected.by_example[b]);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, RecurrentResults, testing::ValuesIn(recurrent_cases()),
                         [](const auto& instance) {
                           return instance.param.name + std::to_string(instance.param.units) +
                                  (instance.param.settings.empty() ? "" : "_peepholes");
                         });

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
