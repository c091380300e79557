// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "tests/layers/layer_run.hpp"

namespace plumbline {
namespace {

using testing::HasSubstr;

constexpr std::size_t kSymbols = 11;
constexpr std::size_t kWidth = 9;
constexpr std::size_t kSteps = 6;

LayerChoice embedding() {
  return {.name = "embedding",
          .settings = {{"width", node(static_cast<std::int64_t>(kWidth))}},
          .input = Shape::symbol_rows(kSteps, 1, kSymbols),
          .batch = 5};
}

LayerChoice dense_on_one_hot() {
  LayerChoice choice = embedding();
  choice.name = "dense";
  choice.activation = "linear";
  choice.input = Shape::sequence(kSteps, kSymbols);
  return choice;
}

template <typename T>
class EmbeddingTest : public testing::Test {};
using Precisions = testing::Types<float, double>;
TYPED_TEST_SUITE(EmbeddingTest, Precisions);

// Some thirty roundings of numbers of about 1 in the gradient; the outputs are copies.
template <typename T>
constexpr double kTolerance = 100 * std::numeric_limits<T>::epsilon();

TYPED_TEST(EmbeddingTest, IsADenseLayerWithoutBiasOnOneHotVectors) {
  using T = TypeParam;
  LayerRun<T> embedded(embedding());
  LayerRun<T> dense(dense_on_one_hot());
  for (std::size_t s = 0; s < kSymbols; ++s) {
    for (std::size_t j = 0; j < kWidth; ++j) {
      dense.parameters[j * kSymbols + s] = embedded.parameters[s * kWidth + j];
    }
  }
  for (std::size_t j = 0; j < kWidth; ++j) dense.parameters[kWidth * kSymbols + j] = 0;
  const MatrixView<T> symbols = embedded.inputs();
  for (std::size_t i = 0; i < symbols.rows; ++i) {
    for (std::size_t s = 0; s < kSymbols; ++s) {
      dense.inputs()(i, s) = static_cast<T>(s) == symbols(i, 0) ? T(1) : T(0);
    }
    std::copy_n(embedded.slopes().row(i), kWidth, dense.slopes().row(i));
  }
  std::vector<T> gradient(embedded.layout.size(), T(-99));
  std::vector<T> expected(dense.layout.size());
  embedded.backward(gradient, {});
  dense.backward(expected, {});
  const MatrixView<const T> y = embedded.forward();
  const MatrixView<const T> z = dense.forward();
  ASSERT_EQ(y.rows, z.rows);
  for (std::size_t i = 0; i < y.rows; ++i) {
    for (std::size_t j = 0; j < kWidth; ++j) EXPECT_EQ(y(i, j), z(i, j));
  }
  for (std::size_t s = 0; s < kSymbols; ++s) {
    for (std::size_t j = 0; j < kWidth; ++j) {
      EXPECT_NEAR(gradient[s * kWidth + j], expected[j * kSymbols + s], kTolerance<T>);
    }
  }
}

TYPED_TEST(EmbeddingTest, GivesSymbolsThatAreNotInTheBatchNoSlope) {
  using T = TypeParam;
  LayerRun<T> run(embedding());
  const MatrixView<T> symbols = run.inputs();
  for (std::size_t i = 0; i < symbols.rows; ++i) symbols(i, 0) = i % 2 == 0 ? T(3) : T(10);
  std::vector<T> gradient(run.layout.size(), T(-99));
  run.backward(gradient, {});
  for (std::size_t s = 0; s < kSymbols; ++s) {
    for (std::size_t j = 0; j < kWidth; ++j) {
      EXPECT_EQ(gradient[s * kWidth + j] != 0, s == 3 || s == 10) << s;
    }
  }
}

TYPED_TEST(EmbeddingTest, PutsTheValuesOfSeveralSymbolsSideBySide) {
  using T = TypeParam;
  LayerChoice choice = embedding();
  choice.input = Shape::symbol_rows(1, 3, kSymbols);
  LayerRun<T> run(choice);
  EXPECT_EQ(run.kind->output(choice.input), Shape::vector(3 * kWidth));
  const MatrixView<const T> y = run.forward();
  for (std::size_t i = 0; i < y.rows; ++i) {
    for (std::size_t k = 0; k < 3; ++k) {
      const auto symbol = static_cast<std::size_t>(run.inputs()(i, k));
      for (std::size_t j = 0; j < kWidth; ++j) {
        EXPECT_EQ(y(i, k * kWidth + j), run.parameters[symbol * kWidth + j]);
      }
    }
  }
}

TYPED_TEST(EmbeddingTest, RefusesWhatIsNoSymbol) {
  using T = TypeParam;
  LayerRun<T> run(embedding());
  for (const double wrong : {-1.0, 11.0, 2.5, -0.5, 1e30, std::nan(""), -HUGE_VAL, HUGE_VAL}) {
    run.inputs()(2, 0) = static_cast<T>(wrong);
    try {
      run.forward();
      ADD_FAILURE() << wrong << " passed";
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), HasSubstr("embedding: an input is " + std::to_string(T(wrong))));
      EXPECT_THAT(error.what(), HasSubstr("symbols are whole numbers from 0 to 10"));
    }
  }
  run.inputs()(2, 0) = 10;
  EXPECT_NO_THROW(run.forward());
}

TYPED_TEST(EmbeddingTest, SaysWhatIsNotFinite) {
  using T = TypeParam;
  LayerRun<T> run(embedding());
  std::vector<T> gradient(run.layout.size());
  run.backward(gradient, {});
  EXPECT_TRUE(run.layer->finite());
  run.slopes()(4, 2) = std::numeric_limits<T>::infinity();
  run.backward(gradient, {});
  EXPECT_FALSE(run.layer->finite());
  run.slopes()(4, 2) = 0;
  run.parameters[7] = std::numeric_limits<T>::quiet_NaN();
  run.backward(gradient, {});
  EXPECT_FALSE(run.layer->finite());
}

TEST(EmbeddingLayout, HasATableInThePlaceOfTheInputWeights) {
  TensorList tensors;
  embedding().kind()->declare(Shape::symbol_rows(kSteps, 1, kSymbols), tensors);
  LayerChoice{.name = "dense"}.kind()->declare(Shape::vector(kWidth), tensors);
  LayerChoice{.name = "dense"}.kind()->declare(Shape::vector(7), tensors);
  const ParameterLayout layout = tensors.layout();
  EXPECT_EQ(layout.tensors()[0].name, "embedding_1.table");
  EXPECT_EQ(layout.tensors()[0].rows, kSymbols);
  EXPECT_EQ(layout.tensors()[0].cols, kWidth);
  EXPECT_EQ(layout.tensors()[0].group, ParameterGroup::input);
  EXPECT_EQ(layout.tensors()[1].group, ParameterGroup::hidden);
  EXPECT_EQ(layout.tensors()[3].group, ParameterGroup::output);
  EXPECT_EQ(tensors.depth(), 2U) << "no weight layer";
}

}  // namespace
}  // namespace plumbline
