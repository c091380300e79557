// SPDX-License-Identifier: Apache-2.0
// Pools against plain loops, in all bits.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "tests/kernels/bits.hpp"
#include "tests/kernels/on_threads.hpp"
#include "tests/layers/layer_run.hpp"

namespace plumbline {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

LayerChoice pool(const char* name, const Shape& input, int size, int stride,
                 std::size_t batch = 3) {
  return {.name = name,
          .settings = {{"size", node(size)}, {"stride", node(stride)}},
          .input = input,
          .batch = batch};
}

/// Outputs and the gradient of the inputs.
struct Result {
  std::vector<float> outputs;
  std::vector<float> input_gradient;
};

Result result_of(LayerRun<float>& run) {
  const MatrixView<float> inputs = run.inputs();
  Result result;
  result.input_gradient.assign(inputs.rows * inputs.cols, kNan);
  run.backward({}, {result.input_gradient.data(), inputs.rows, inputs.cols, inputs.cols});
  const MatrixView<const float> outputs = run.forward();
  for (std::size_t i = 0; i < outputs.rows; ++i) {
    result.outputs.insert(result.outputs.end(), outputs.row(i), outputs.row(i) + outputs.cols);
  }
  return result;
}

/// The first of the largest pixels, or the first NaN, has all of the slope.
Result by_loops(LayerRun<float>& run, const Shape& input, std::size_t size, std::size_t stride) {
  const MatrixView<float> inputs = run.inputs();
  const Shape output = run.kind->output(input);
  Result result;
  result.input_gradient.assign(inputs.rows * inputs.cols, 0.0F);
  for (std::size_t image = 0; image < inputs.rows; ++image) {
    std::size_t number = 0;
    for (std::size_t y = 0; y < output.height; ++y) {
      for (std::size_t x = 0; x < output.width; ++x) {
        for (std::size_t c = 0; c < input.channels; ++c, ++number) {
          const auto at = [&](std::size_t pixel) {
            return ((y * stride + pixel / size) * input.width + x * stride + pixel % size) *
                       input.channels +
                   c;
          };
          std::size_t best = at(0);
          for (std::size_t pixel = 1; pixel < size * size; ++pixel) {
            const float value = inputs(image, at(pixel));
            if (std::isnan(inputs(image, best))) break;
            if (std::isnan(value) || value > inputs(image, best)) best = at(pixel);
          }
          result.outputs.push_back(inputs(image, best));
          result.input_gradient[image * inputs.cols + best] += run.slopes()(image, number);
        }
      }
    }
  }
  return result;
}

void expect_same(const Result& found, const Result& expected, const std::string& what) {
  ASSERT_EQ(found.outputs.size(), expected.outputs.size()) << what;
  EXPECT_EQ(differences<float>(found.outputs, expected.outputs), 0U) << what;
  EXPECT_EQ(differences<float>(found.input_gradient, expected.input_gradient), 0U) << what;
}

// Of some values each window has several, and the signs of zero tell which of them was taken.
TEST(MaxPool, TakesTheFirstOfTheLargestAndNaNWhereThereIsOne) {
  constexpr std::array<float, 9> kValues = {0.0F, -0.0F,     1.0F,       1.0F, -2.0F,
                                            kNan, kInfinity, -kInfinity, 0.5F};
  for (std::size_t channels = 1; channels <= 35; ++channels) {
    for (const auto& [size, stride] : {std::pair{2, 2}, {3, 2}, {2, 3}, {1, 1}}) {
      const Shape input = Shape::image(channels, 7, 6);
      LayerRun<float> run(pool("max_pool", input, size, stride));
      Random random(1, RandomStream::data, static_cast<std::uint32_t>(channels));
      for (std::size_t i = 0; i < run.inputs().rows; ++i) {
        for (std::size_t j = 0; j < run.inputs().cols; ++j) {
          run.inputs()(i, j) = kValues[random.below(i == 0 ? 5 : kValues.size())];
        }
      }
      expect_same(result_of(run), by_loops(run, input, size, stride),
                  std::to_string(channels) + " channels, size " + std::to_string(size));
    }
  }
}

// Sums of at most 9 rounded products, each of numbers below 6.
TEST(MeanPool, EqualsTheFormula) {
  constexpr double kRounding = 9 * 6 * 1.2e-7;
  for (std::size_t channels = 1; channels <= 35; ++channels) {
    for (const auto& [size, stride] : {std::pair<std::size_t, std::size_t>{2, 2}, {3, 2}, {2, 3}}) {
      const Shape input = Shape::image(channels, 7, 6);
      LayerRun<float> run(
          pool("mean_pool", input, static_cast<int>(size), static_cast<int>(stride)));
      const Result found = result_of(run);
      const MatrixView<float> inputs = run.inputs();
      const Shape output = run.kind->output(input);
      std::vector<double> slopes(found.input_gradient.size());
      std::size_t number = 0;
      for (std::size_t image = 0; image < inputs.rows; ++image) {
        for (std::size_t value = 0; value < output.values(); ++value, ++number) {
          const std::size_t c = value % channels;
          const std::size_t x = value / channels % output.width;
          const std::size_t y = value / channels / output.width;
          double sum = 0;
          for (std::size_t pixel = 0; pixel < size * size; ++pixel) {
            const std::size_t at =
                ((y * stride + pixel / size) * input.width + x * stride + pixel % size) * channels +
                c;
            sum += static_cast<double>(inputs(image, at));
            slopes[image * inputs.cols + at] +=
                static_cast<double>(run.slopes()(image, value)) / static_cast<double>(size * size);
          }
          EXPECT_NEAR(found.outputs[number], sum / static_cast<double>(size * size), kRounding);
        }
      }
      for (std::size_t i = 0; i < slopes.size(); ++i) {
        EXPECT_NEAR(found.input_gradient[i], slopes[i], kRounding);
      }
    }
  }
}

// As torch.nn.functional.max_pool2d does.
TEST(MaxPool, LetsNaNThroughFromEveryPlaceOfTheWindow) {
  for (std::size_t place = 0; place < 4; ++place) {
    LayerRun<float> run(pool("max_pool", Shape::image(1, 2, 2), 2, 2, 1));
    for (std::size_t i = 0; i < 4; ++i) run.inputs()(0, i) = i == place ? kNan : kInfinity;
    const Result result = result_of(run);
    EXPECT_TRUE(std::isnan(result.outputs.at(0))) << place;
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(result.input_gradient[i], i == place ? run.slopes()(0, 0) : 0.0F) << place;
    }
  }
}

TEST(Pools, HaveTheSameBitsAtAnyNumberOfThreads) {
  for (const char* name : {"max_pool", "mean_pool"}) {
    for (const std::size_t batch : {1U, 2U, 9U}) {
      LayerRun<float> run(pool(name, Shape::image(12, 64, 60), 3, 2, batch));
      Result alone;
      for (const int threads : {1, 2, 3, 5}) {
        OnThreads many(threads);
        Result found;
        many.run([&] { found = result_of(run); });
        if (threads == 1) alone = found;
        expect_same(found, alone, std::string(name) + ", " + std::to_string(threads) + " threads");
      }
    }
  }
}

}  // namespace
}  // namespace plumbline
