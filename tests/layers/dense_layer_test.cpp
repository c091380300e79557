// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/dense_layer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

// W (2 x 3) and b of one layer, and two examples of three inputs: small whole numbers, so every
// result is exact.
class DenseLayerTest : public testing::Test {
 protected:
  std::unique_ptr<DenseLayer<double>> layer(const char* activation) const {
    return std::make_unique<DenseLayer<double>>(
        DenseLayer<double>::Size{.width = 2, .rows = 4},
        make_plugin(activation_catalogue(), activation),
        ParameterTensor{"layer_1.weight", 1, ParameterGroup::hidden, 2, 3, 1},
        ParameterTensor{"layer_1.bias", 1, ParameterGroup::bias, 2, 1, 7}, ParameterTensor());
  }
  // dL_i/da of the two outputs of the two examples.
  static void put_upstream(DenseLayer<double>& dense) {
    const MatrixView<double> signal = dense.output_gradient();
    signal(0, 0) = 1;
    signal(0, 1) = 2;
    signal(1, 0) = -1;
    signal(1, 1) = 4;
  }

  // The block holds something else before and behind the layer's tensors.
  const std::vector<double> parameters_ = {99, 1, 2, 3, -1, 0, 1, 10, -20, 99};
  const std::vector<double> input_values_ = {1, 1, 2, 0, -1, -5};
  const MatrixView<const double> input_{input_values_.data(), 2, 3, 3};
};

TEST_F(DenseLayerTest, MultipliesByTheWeightsAndAddsTheBias) {
  const auto dense = layer("linear");
  const MatrixView<const double> output = dense->forward(parameters_, input_, {});
  ASSERT_EQ(output.rows, 2U);
  ASSERT_EQ(output.cols, 2U);
  EXPECT_EQ(output(0, 0), 1 + 2 + 6 + 10);
  EXPECT_EQ(output(0, 1), -1 + 0 + 2 - 20);
  EXPECT_EQ(output(1, 0), -2 - 15 + 10);
  EXPECT_EQ(output(1, 1), -5 - 20);
}

TEST_F(DenseLayerTest, AppliesItsActivation) {
  const auto dense = layer("relu");
  const MatrixView<const double> output = dense->forward(parameters_, input_, {});
  EXPECT_EQ(output(0, 0), 19);
  EXPECT_EQ(output(0, 1), 0);
  EXPECT_EQ(output(1, 0), 0);
}

TEST_F(DenseLayerTest, CarriesTheErrorSignalBackAndMakesGradientsOfTheBatchMean) {
  const auto dense = layer("linear");
  dense->forward(parameters_, input_, {});
  put_upstream(*dense);
  std::vector<double> gradient(parameters_.size(), -7);
  std::vector<double> down(6);
  dense->backward(parameters_, input_, 0.5, gradient, {down.data(), 2, 3, 3});
  // delta^T a / 2, then the mean of delta; what is not the layer's stays as it was.
  EXPECT_EQ(gradient, (std::vector<double>{-7, 0.5, 1, 3.5, 1, -1, -8, 0, 3, -7}));
  // delta W, not divided by the batch.
  EXPECT_EQ(down, (std::vector<double>{-1, 2, 5, -5, -2, 1}));
}

TEST_F(DenseLayerTest, MultipliesTheErrorSignalByTheSlopeOfItsActivation) {
  const auto dense = layer("relu");
  dense->forward(parameters_, input_, {});
  put_upstream(*dense);
  std::vector<double> gradient(parameters_.size());
  dense->backward(parameters_, input_, 0.5, gradient, {});
  const MatrixView<const double> delta = std::as_const(*dense).error_signal();
  EXPECT_EQ(delta(0, 0), 1);  // the one positive pre-activation
  EXPECT_EQ(delta(0, 1), 0);
  EXPECT_EQ(delta(1, 0), 0);
  EXPECT_EQ(delta(1, 1), 0);
}

TEST_F(DenseLayerTest, TakesFewerRowsAfterMore) {
  const auto dense = layer("linear");
  dense->forward(parameters_, input_, {});
  put_upstream(*dense);
  std::vector<double> gradient(parameters_.size());
  dense->forward(parameters_, input_.first_rows(1), {});
  ASSERT_EQ(dense->error_signal().rows, 1U);
  dense->backward(parameters_, input_.first_rows(1), 1, gradient, {});
  EXPECT_EQ(gradient, (std::vector<double>{0, 1, 1, 2, 2, 2, 4, 1, 2, 0}));
}

// Also where the input of a weight is 0: 0 times infinity is not finite.
TEST_F(DenseLayerTest, SeesAnyParameterOrGradientThatIsNotFinite) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto finite_with = [this](const std::vector<double>& parameters, double upstream) {
    const auto dense = layer("relu");
    const std::vector<double> inputs = {0, 0, 0, 1, 1e200, 1};
    const MatrixView<const double> input{inputs.data(), 2, 3, 3};
    dense->forward(parameters, input, {});
    put_upstream(*dense);
    dense->output_gradient()(1, 0) = upstream;
    std::vector<double> gradient(parameters.size());
    dense->backward(parameters, input, 0.5, gradient, {});
    return dense->finite();
  };
  const std::vector<double> all_finite = {99, 1, 2, 3, -1, 0, 1, 10, -20, 99};
  EXPECT_TRUE(finite_with(all_finite, 1));
  EXPECT_FALSE(finite_with(all_finite, kInfinity));
  EXPECT_FALSE(finite_with(all_finite, 1e200)) << "the gradient of the second weight overflows";
  for (std::size_t i = 1; i <= 8; ++i) {
    for (const double bad : {kInfinity, -kInfinity, std::nan("")}) {
      std::vector<double> parameters = all_finite;
      parameters[i] = bad;
      EXPECT_FALSE(finite_with(parameters, 1)) << i << ": " << bad;
    }
  }
}

// What neither a pre-activation nor the gradient of a weight shows.
TEST_F(DenseLayerTest, SeesBiasesGradientsAndParametersOfItsActivationThatAreNotFinite) {
  const auto finite_with = [](double slope, double input, double first, double second) {
    const ParameterTensor slopes{"layer_1.activation", 1, ParameterGroup::activation, 1, 1, 2};
    DenseLayer<double> dense({.width = 1, .rows = 2}, make_plugin(activation_catalogue(), "prelu"),
                             ParameterTensor{"layer_1.weight", 1, ParameterGroup::hidden, 1, 1, 0},
                             ParameterTensor{"layer_1.bias", 1, ParameterGroup::bias, 1, 1, 1},
                             slopes);
    const std::vector<double> parameters = {1, 1, slope};
    const std::vector<double> inputs = {0, input};
    dense.forward(parameters, {inputs.data(), 2, 1, 1}, {});
    dense.output_gradient()(0, 0) = first;
    dense.output_gradient()(1, 0) = second;
    std::vector<double> gradient(3);
    dense.backward(parameters, {inputs.data(), 2, 1, 1}, 0.5, gradient, {});
    return dense.finite();
  };
  EXPECT_TRUE(finite_with(0.25, 0, 1, 1));
  EXPECT_FALSE(finite_with(std::numeric_limits<double>::infinity(), 0, 1, 1)) << "a slope";
  EXPECT_FALSE(finite_with(0.25, -1e200, 1, 1e200)) << "the gradient of the slope overflows";
  EXPECT_FALSE(finite_with(0.25, 0, 1e308, 1e308)) << "the gradient of the bias overflows";
}

TEST_F(DenseLayerTest, CarriesADirectionOfItsParametersAndInputsForward) {
  const auto dense = layer("linear");
  dense->forward(parameters_, input_, {});
  // W' has ones in its first row, b' is (0, 5), and the first example moves along (1, 0, 0).
  const std::vector<double> direction = {-7, 1, 1, 1, 0, 0, 0, 0, 5, -7};
  const std::vector<double> along = {1, 0, 0, 0, 0, 0};
  const MatrixView<const double> output =
      dense->tangent(parameters_, direction, input_, {along.data(), 2, 3, 3});
  EXPECT_EQ(output(0, 0), 4 + 1);
  EXPECT_EQ(output(0, 1), 5 - 1);
  EXPECT_EQ(output(1, 0), -6);
  EXPECT_EQ(output(1, 1), 5);
  EXPECT_EQ(dense->tangent(parameters_, direction, input_, {})(0, 0), 4);
}

TEST_F(DenseLayerTest, HasMoreOutputsThanUnitsWhereItsActivationDoes) {
  const auto dense = layer("crelu");
  // z is (19, -19) and (-7, -25).
  const MatrixView<const double> output = dense->forward(parameters_, input_, {});
  ASSERT_EQ(output.cols, 4U);
  const std::vector<std::vector<double>> expected = {{19, 0, 0, 19}, {0, 0, 7, 25}};
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 4; ++j) EXPECT_EQ(output(i, j), expected[i][j]) << i << j;
  }
  const MatrixView<double> upstream = dense->output_gradient();
  ASSERT_EQ(upstream.cols, 4U);
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 4; ++j) upstream(i, j) = static_cast<double>(1 + 4 * i + j);
  }
  std::vector<double> gradient(parameters_.size());
  std::vector<double> down(6);
  dense->backward(parameters_, input_, 0.5, gradient, {down.data(), 2, 3, 3});
  const MatrixView<const double> delta = dense->error_signal();
  ASSERT_EQ(delta.cols, 2U);
  EXPECT_EQ(delta(0, 0), 1);
  EXPECT_EQ(delta(0, 1), -4);
  EXPECT_EQ(delta(1, 0), -7);
  EXPECT_EQ(delta(1, 1), -8);
  EXPECT_EQ(gradient, (std::vector<double>{0, 0.5, 4, 18.5, -2, 2, 16, -3, -6, 0}));
  EXPECT_EQ(down, (std::vector<double>{5, 2, -1, 1, -14, -29}));
}

TEST_F(DenseLayerTest, TrainsTheParametersOfItsActivation) {
  // Two slopes behind the bias.
  const ParameterTensor slopes{"layer_1.activation", 1, ParameterGroup::activation, 2, 1, 9};
  DenseLayer<double> dense({.width = 2, .rows = 4}, make_plugin(activation_catalogue(), "prelu"),
                           {"layer_1.weight", 1, ParameterGroup::hidden, 2, 3, 1},
                           {"layer_1.bias", 1, ParameterGroup::bias, 2, 1, 7}, slopes);
  const std::vector<double> parameters = {99, 1, 2, 3, -1, 0, 1, 10, -20, 0.5, 2, 99};
  const MatrixView<const double> output = dense.forward(parameters, input_, {});
  EXPECT_EQ(output(0, 0), 19);
  EXPECT_EQ(output(0, 1), -38);
  EXPECT_EQ(output(1, 0), -3.5);
  EXPECT_EQ(output(1, 1), -50);
  put_upstream(dense);  // (1, 2) and (-1, 4)
  std::vector<double> gradient(parameters.size(), -7);
  dense.backward(parameters, input_, 0.5, gradient, {});
  // Means over the batch: z of the negative units times what comes from above.
  EXPECT_EQ(gradient[9], (-1.0 * -7) / 2);
  EXPECT_EQ(gradient[10], (2.0 * -19 + 4.0 * -25) / 2);
  EXPECT_EQ(gradient[11], -7);
  EXPECT_EQ(dense.error_signal()(1, 1), 4 * 2);
}

TEST(PaddedStrideTest, IsAWholeNumberOfCacheLinesAndNotOfPages) {
  for (std::size_t cols = 1; cols < 5000; ++cols) {
    const std::size_t stride = padded_stride<float>(cols);
    ASSERT_GE(stride, cols);
    ASSERT_LE(stride, cols + 31) << "at most two lines more";
    ASSERT_EQ(stride * sizeof(float) % 64, 0U) << cols;
    ASSERT_NE(stride * sizeof(float) % 4096, 0U) << cols;
    ASSERT_EQ(padded_stride<double>(cols) * sizeof(double) % 64, 0U) << cols;
    ASSERT_NE(padded_stride<double>(cols) * sizeof(double) % 4096, 0U) << cols;
  }
}

}  // namespace
}  // namespace plumbline
