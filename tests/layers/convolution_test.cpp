// SPDX-License-Identifier: Apache-2.0
// Convolutions against plain loops in double, by either kind of products, and their bits: at any number
// of threads, and in batches of any size.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "engine/layers/convolution_products.hpp"
#include "tests/kernels/bits.hpp"
#include "tests/kernels/on_threads.hpp"
#include "tests/layers/layer_run.hpp"

namespace plumbline {
namespace {

struct Case {
  Window window;
  Shape input;
  std::size_t channels = 3;
  std::size_t batch = 3;
};

std::ostream& operator<<(std::ostream& out, const Case& one) {
  return out << "kernel " << one.window.size << ", stride " << one.window.stride << ", padding "
             << one.window.padding << ", " << one.batch << " of " << to_string(one.input) << " to "
             << one.channels << " channels";
}

// Strides below, at and beyond the kernel, which leave lines out at the end or not; padding up to the most
// there is; images smaller than their padding; windows as large as the image.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (std::size_t size = 1; size <= 5; ++size) {
    for (std::size_t stride = 1; stride <= 6; ++stride) {
      for (std::size_t padding = 0; padding < size; ++padding) {
        all.push_back({{size, stride, padding}, Shape::image(2, 7, 5)});
        all.push_back({{size, stride, padding}, Shape::image(1, 5, 8), 9, 1});
      }
    }
  }
  all.push_back({{3, 1, 2}, Shape::image(2, 2, 1), 4, 9});
  all.push_back({{7, 2, 3}, Shape::image(3, 9, 11), 17, 2});
  all.push_back({{3, 1, 1}, Shape::image(20, 6, 6), 35, 5});
  all.push_back({{2, 10000, 1}, Shape::image(2, 4, 3)});
  return all;
}

/// The products of one case for random weights, biases, inputs and delta.
template <typename T>
class Products {
 public:
  explicit Products(const Case& one, Gemm gemm = Gemm::native)
      : case_(one),
        sums_shape_(Shape::image(one.channels, one.window.positions(one.input.height),
                                 one.window.positions(one.input.width))),
        taps_(one.window.size * one.window.size * one.input.channels),
        weights_(one.channels * taps_),
        bias_(one.channels),
        input_(one.batch * one.input.values()),
        delta_(one.batch * sums_shape_.values()),
        products_(convolution_products<T>(gemm, one.window, one.input, one.channels, one.batch)),
        rows_(one.batch) {
    Random random(5, RandomStream::data, 1);
    for (std::vector<T>* values : {&weights_, &bias_, &input_, &delta_}) {
      for (T& value : *values) value = static_cast<T>(random.normal());
    }
  }

  /// Takes the images from `first` on.
  void take(std::size_t first, std::size_t rows) {
    first_ = first;
    rows_ = rows;
  }
  /// Sums, gradient of the weights, gradient of the inputs.
  std::vector<std::vector<T>> run() {
    std::vector<std::vector<T>> results = {std::vector<T>(rows_ * sums_shape_.values(), kNan),
                                           std::vector<T>(weights_.size(), kNan),
                                           std::vector<T>(rows_ * case_.input.values(), kNan)};
    const std::size_t in = case_.input.values();
    const std::size_t out = sums_shape_.values();
    const MatrixView<const T> weights{weights_.data(), case_.channels, taps_, taps_};
    const MatrixView<const T> input{input_.data() + first_ * in, rows_, in, in};
    const MatrixView<const T> delta{delta_.data() + first_ * out, rows_, out, out};
    products_->forward(weights, bias_.data(), input, {results[0].data(), rows_, out, out});
    products_->weight_gradient(delta, input, T(0.25),
                               {results[1].data(), case_.channels, taps_, taps_});
    products_->input_gradient(weights, delta, {results[2].data(), rows_, in, in});
    return results;
  }
  /// The same by the formulas, in double.
  std::vector<std::vector<double>> expected() const {
    std::vector<std::vector<double>> results = {std::vector<double>(delta_.size()),
                                                std::vector<double>(weights_.size()),
                                                std::vector<double>(input_.size())};
    for_each([&](std::size_t sum, std::size_t channel) { results[0][sum] = bias_[channel]; },
             [&](std::size_t sum, std::size_t weight, std::size_t pixel) {
               results[0][sum] += double(weights_[weight]) * double(input_[pixel]);
               results[1][weight] += 0.25 * double(delta_[sum]) * double(input_[pixel]);
               results[2][pixel] += double(weights_[weight]) * double(delta_[sum]);
             });
    return results;
  }

 private:
  static constexpr T kNan = std::numeric_limits<T>::quiet_NaN();

  // begin(sum, channel) and then term(sum, weight, pixel) for all numbers of a sum.
  template <class Begin, class Term>
  void for_each(const Begin& begin, const Term& term) const {
    const auto [size, stride, padding] = case_.window;
    const Shape& input = case_.input;
    std::size_t sum = 0;
    for (std::size_t image = 0; image < case_.batch; ++image) {
      for (std::size_t y = 0; y < sums_shape_.height; ++y) {
        for (std::size_t x = 0; x < sums_shape_.width; ++x) {
          for (std::size_t channel = 0; channel < case_.channels; ++channel, ++sum) {
            begin(sum, channel);
            for (std::size_t i = 0; i < taps_; ++i) {
              const std::size_t c = i % input.channels;
              const std::size_t row = y * stride + i / input.channels / size - padding;
              const std::size_t col = x * stride + i / input.channels % size - padding;
              if (row >= input.height || col >= input.width) continue;  // or below 0, which wraps
              term(sum, channel * taps_ + i,
                   ((image * input.height + row) * input.width + col) * input.channels + c);
            }
          }
        }
      }
    }
  }

  Case case_;
  Shape sums_shape_;
  std::size_t taps_;
  std::vector<T> weights_;
  std::vector<T> bias_;
  std::vector<T> input_;
  std::vector<T> delta_;
  std::unique_ptr<ConvolutionProducts<T>> products_;
  std::size_t first_ = 0;
  std::size_t rows_;
};

// The rounding of sums of at most some thousand terms of order 1, some hundred times over.
template <typename T>
constexpr double kTolerance = 1e4 * std::numeric_limits<T>::epsilon();

template <typename T>
void expect_formulas(Gemm gemm) {
  for (const Case& one : cases()) {
    Products<T> products(one, gemm);
    const std::vector<std::vector<double>> expected = products.expected();
    const std::vector<std::vector<T>> found = products.run();
    for (std::size_t product = 0; product < 3; ++product) {
      double most = 0;
      for (std::size_t i = 0; i < expected[product].size(); ++i) {
        const double difference = std::abs(expected[product][i] - double(found[product][i]));
        if (!(difference <= most)) most = difference;  // NaN too
      }
      EXPECT_LE(most, kTolerance<T> / 10) << one << ", product " << product;
    }
  }
}

TEST(ConvolutionProductsOfWindows, EqualTheFormulas) {
  expect_formulas<float>(Gemm::native);
  expect_formulas<double>(Gemm::native);
}
TEST(ConvolutionProductsOfWindows, EqualTheFormulasByBlas) {
  expect_formulas<float>(Gemm::blas);
  expect_formulas<double>(Gemm::blas);
}

// Shapes whose products are large enough to be shared: over images, over the positions of one, and,
// small ones, over parts of the batch.
TEST(ConvolutionProductsOfWindows, HaveTheSameBitsAtAnyNumberOfThreads) {
  for (const Case& one : std::vector<Case>{{{3, 1, 1}, Shape::image(16, 24, 24), 32, 7},
                                           {{3, 1, 1}, Shape::image(16, 24, 24), 32, 2},
                                           {{3, 1, 0}, Shape::image(16, 40, 40), 32, 1},
                                           {{5, 3, 2}, Shape::image(16, 40, 40), 33, 6},
                                           {{3, 1, 1}, Shape::image(1, 28, 28), 8, 60}}) {
    std::vector<std::vector<float>> alone;
    for (const int threads : {1, 2, 3, 5}) {
      OnThreads many(threads);
      std::vector<std::vector<float>> found;
      // New, as buffers that hold the right numbers from before hide those that are not written.
      Products<float> products(one);
      many.run([&] { found = products.run(); });
      if (threads == 1) alone = found;
      for (std::size_t product = 0; product < 3; ++product) {
        EXPECT_EQ(differences<float>(found[product], alone[product]), 0U)
            << one << ", product " << product << ", " << threads << " threads";
      }
    }
  }
}

// What a larger batch left behind, or what stands beside an image, must not show.
TEST(ConvolutionProductsOfWindows, OfAnImageDoNotDependOnTheBatchAroundIt) {
  for (const Case& one : std::vector<Case>{{{3, 1, 1}, Shape::image(2, 5, 4), 3, 8},
                                           {{3, 2, 2}, Shape::image(1, 7, 6), 8, 8},
                                           {{2, 1, 0}, Shape::image(9, 3, 3), 4, 8}}) {
    Products<float> products(one);
    const std::vector<std::vector<float>> all = products.run();
    for (const std::size_t rows : {1U, 3U, 8U}) {
      products.take(8 - rows, rows);
      const std::vector<std::vector<float>> some = products.run();
      Products<float> fresh(one);
      fresh.take(8 - rows, rows);
      EXPECT_EQ(differences<float>(some[1], fresh.run()[1]), 0U) << one << ", " << rows;
      for (const std::size_t product : {0U, 2U}) {
        EXPECT_EQ(
            differences<float>(some[product], std::span(all[product]).last(some[product].size())),
            0U)
            << one << ", product " << product << ", last " << rows;
      }
    }
  }
}

// The bias alone sums over hundreds of pixels of few channels.
TEST(ConvolutionLayer, SumsTheGradientOfItsBiasOverAllPixels) {
  for (const std::size_t channels : {1U, 3U, 8U, 64U, 130U}) {
    LayerRun<double> run(
        {"convolution",
         {{"channels", node(static_cast<std::int64_t>(channels))}, {"activation", node("linear")}},
         Shape::image(1, 13, 14),
         5});
    std::vector<double> gradient(run.layout.size());
    run.backward(gradient, {});
    const ParameterTensor& bias = run.layout.tensors().at(1);
    for (std::size_t c = 0; c < channels; ++c) {
      double sum = 0;
      for (std::size_t image = 0; image < 5; ++image) {
        for (std::size_t i = c; i < run.slopes().cols; i += channels) sum += run.slopes()(image, i);
      }
      EXPECT_NEAR(gradient[bias.offset + c], sum, 1e-11) << channels << " channels, " << c;
    }
  }
}

TEST(ConvolutionLayer, TakesNoSteps) {
  Shape steps = Shape::image(2, 6, 6);
  steps.steps = 3;
  for (const char* name : {"convolution", "max_pool", "mean_pool", "global_pool"}) {
    const LayerChoice choice{.name = name, .input = steps};
    EXPECT_EQ(choice.kind()->problem(steps).substr(0, 12), "needs images") << name;
    EXPECT_EQ(choice.kind()->problem(Shape::image(2, 6, 6)), "") << name;
  }
}

}  // namespace
}  // namespace plumbline
