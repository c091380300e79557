// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/network/network.hpp"
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

/// A net of an embedding with these settings and two outputs, as this initializer starts it.
struct FreshNet {
  FreshNet(const std::string& initializer, std::vector<Setting> settings, std::size_t symbols)
      : model([&] {
          settings.emplace_back("name", node("embedding"));
          const SettingsTable layer = settings_table(settings);
          SettingsTable given =
              settings_table({{"initializer", node(initializer)}, {"activation", node("relu")}});
          given.set("layers", {SettingList{{layer, {}}, node("dense")}, {}});
          SettingsReport report;
          Settings reader(given, "model", report);
          ModelSettings read = ModelSettings::read(reader);
          if (!report.problems.empty()) throw DefinitionError(report.problems);
          return read;
        }()),
        network(model, Shape::symbol_rows(1, 1, symbols), 2, 1),
        parameters(network.layout().size()) {
    network.initialize(*model.initializer, 1, parameters);
  }

  ModelSettings model;
  Network<double> network;
  std::vector<double> parameters;
};

TEST(EmbeddingStart, IsNormalWithTheStandardDeviationOfItsSettingWhateverTheInitializer) {
  constexpr std::size_t kMany = 500;
  constexpr double kValues = kMany * kWidth;
  const auto width = std::pair("width", node(kWidth));
  for (const char* initializer : {"glorot_uniform", "orthogonal", "zeros"}) {
    for (const double deviation : {1.0, 0.02}) {
      std::vector<Setting> settings = {width};
      if (deviation != 1) settings.emplace_back("std", node(deviation));
      const FreshNet net(initializer, settings, kMany);
      double sum = 0;
      double squares = 0;
      for (std::size_t i = 0; i < kMany * kWidth; ++i) {
        sum += net.parameters[i] / deviation;
        squares += net.parameters[i] * net.parameters[i] / (deviation * deviation);
      }
      // Five standard errors of the two means.
      EXPECT_NEAR(sum / kValues, 0, 5 / std::sqrt(kValues)) << initializer;
      EXPECT_NEAR(squares / kValues, 1, 5 * std::sqrt(2 / kValues)) << initializer;
    }
  }
  const FreshNet none("glorot_uniform", {width, {"std", node(0)}}, kMany);
  EXPECT_EQ(std::ranges::count(std::span(none.parameters).first(kMany * kWidth), 0.0),
            static_cast<std::ptrdiff_t>(kMany * kWidth));
}

// A net of rectifiers that starts as a linear map does so of the rows of the table too.
TEST(EmbeddingStart, LeavesWhatStandsOnItLookingLinear) {
  FreshNet net("looks_linear", {{"width", node(kWidth)}}, 3);
  ASSERT_EQ(net.model.initializer->problem(net.network.layout()), "");
  const std::span<double> table = std::span(net.parameters).first(3 * kWidth);
  for (std::size_t j = 0; j < kWidth; ++j) table[2 * kWidth + j] = table[j] + table[kWidth + j];
  std::vector<std::vector<double>> outputs;
  for (const double symbol : {0.0, 1.0, 2.0}) {
    const MatrixView<const double> y = net.network.forward(net.parameters, {&symbol, 1, 1, 1});
    outputs.emplace_back(y.row(0), y.row(0) + y.cols);
  }
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_NE(outputs[2][k], 0);
    EXPECT_NEAR(outputs[0][k] + outputs[1][k], outputs[2][k], 1e-13);
  }
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
