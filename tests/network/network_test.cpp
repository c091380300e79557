// SPDX-License-Identifier: Apache-2.0
#include "engine/network/network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/network/net_and_batch.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

ModelSettings read_model(const std::vector<Setting>& settings, SettingsReport& report) {
  const SettingsTable table = settings_table(settings);
  Settings reader(table, "model", report);
  return ModelSettings::read(reader);
}

std::vector<std::string> messages_of(const std::vector<Setting>& settings) {
  SettingsReport report;
  read_model(settings, report);
  std::vector<std::string> messages;
  for (const Problem& problem : report.problems) messages.push_back(problem.message);
  return messages;
}

/// Fills with ones, and asks to stop behind the first layer.
class StopsAtOnce final : public Initializer {
 public:
  explicit StopsAtOnce(std::atomic<bool>& stop) : stop_(stop) {}
  void fill_weights(const ParameterTensor& tensor, MatrixView<double> weights,
                    Random& /*random*/) const override {
    std::fill_n(weights.data, tensor.size(), 1.0);
    stop_ = true;
  }
  std::optional<double> weight_variance(std::size_t /*fan_in*/,
                                        std::size_t /*fan_out*/) const override {
    return std::nullopt;
  }

 private:
  std::atomic<bool>& stop_;
};

/// Fills with ones, doubles the first layer for the data's sake, and asks to stop.
class StopsAtTheData final : public Initializer {
 public:
  explicit StopsAtTheData(std::atomic<bool>& stop) : stop_(stop) {}
  void fill_weights(const ParameterTensor& tensor, MatrixView<double> weights,
                    Random& /*random*/) const override {
    std::fill_n(weights.data, tensor.size(), 1.0);
  }
  std::optional<double> weight_variance(std::size_t /*fan_in*/,
                                        std::size_t /*fan_out*/) const override {
    return std::nullopt;
  }
  bool looks_at_data() const override { return true; }
  double weight_factor(MatrixView<const double> /*pre_activations*/) const override {
    stop_ = true;
    return 2;
  }

 private:
  std::atomic<bool>& stop_;
};

template <typename T>
std::vector<T> drawn(const NetChoice& choice, std::int64_t seed) {
  return NetAndBatch<T>(choice, seed).parameters;
}

TEST(ModelSettingsTest, ReadsDepthTimesWidthOrAListOfWidths) {
  SettingsReport report;
  EXPECT_THAT(read_model({{"depth", node(3)}, {"width", node(7)}}, report).widths,
              ElementsAre(7, 7, 7));
  EXPECT_THAT(read_model({{"widths", node(std::vector{300, 100})}}, report).widths,
              ElementsAre(300, 100));
  EXPECT_THAT(read_model({{"depth", node(0)}}, report).widths, IsEmpty());
  EXPECT_THAT(report.problems, IsEmpty());
}

TEST(NetworkTest, LeavesTheLayersThatFollowAStopUnset) {
  SettingsReport report;
  const ModelSettings model = read_model({{"depth", node(1)}, {"width", node(3)}}, report);
  Network<double> network(model, 2, 2, 1);
  std::vector<double> parameters(network.layout().size(), -9);
  std::atomic<bool> stop{false};
  network.initialize(StopsAtOnce(stop), 1, parameters, {}, &stop);
  EXPECT_THAT(parameters, ElementsAre(1, 1, 1, 1, 1, 1, 0, 0, 0,  // layer 1
                                      -9, -9, -9, -9, -9, -9, -9, -9));
}

TEST(NetworkTest, LeavesTheLayersThatFollowAStopAsTheyWereDrawn) {
  SettingsReport report;
  const ModelSettings model = read_model({{"depth", node(1)}, {"width", node(3)}}, report);
  Network<double> network(model, 2, 2, 1);
  std::vector<double> parameters(network.layout().size(), -9);
  std::vector<double> example(16);
  example[0] = example[1] = 1;
  std::atomic<bool> stop{false};
  network.initialize(StopsAtTheData(stop), 1, parameters, {example.data(), 1, 2, 16}, &stop);
  EXPECT_THAT(parameters, ElementsAre(2, 2, 2, 2, 2, 2, 0, 0, 0,  // layer 1
                                      1, 1, 1, 1, 1, 1, 0, 0));
}

TEST(ModelSettingsTest, RefusesAListOfWidthsBesideDepthOrWidth) {
  EXPECT_THAT(messages_of({{"widths", node(std::vector{3, 4})}, {"depth", node(2)}}),
              ElementsAre(HasSubstr("'model.depth' is given beside 'model.widths'")));
  EXPECT_THAT(messages_of({{"widths", node(std::vector{3, 4})}, {"width", node(2)}}),
              ElementsAre(HasSubstr("'model.width' is given beside 'model.widths'")));
  EXPECT_THAT(messages_of({{"widths", node(std::vector{3, 0})}}),
              ElementsAre(HasSubstr("'model.widths' holds 0")));
}

TEST(ModelSettingsTest, ReportsEveryMistakeAtOnce) {
  EXPECT_THAT(messages_of({{"depth", node(-1)},
                           {"activation", node("tahn")},
                           {"initializer", node("glorot_norml")},
                           {"precision", node("float16")},
                           {"widht", node(4)}}),
              SizeIs(5));
}

TEST(NetworkTest, LaysOutWeightsAndBiasesOfEachLayerWithoutGaps) {
  const NetAndBatch<double> example({.sizes = {7, 5, 6, 3}}, 1);
  const std::vector<ParameterTensor> expected = {
      {"layer_1.weight", 1, ParameterGroup::input, 5, 7, 0},
      {"layer_1.bias", 1, ParameterGroup::bias, 5, 1, 35},
      {"layer_2.weight", 2, ParameterGroup::hidden, 6, 5, 40},
      {"layer_2.bias", 2, ParameterGroup::bias, 6, 1, 70},
      {"layer_3.weight", 3, ParameterGroup::output, 3, 6, 76},
      {"layer_3.bias", 3, ParameterGroup::bias, 3, 1, 94},
  };
  EXPECT_EQ(example.network.layout().tensors(), expected);
  EXPECT_EQ(example.network.layout().size(), 97U);
  EXPECT_EQ(example.network.depth(), 3U);
}

TEST(NetworkTest, LaysOutWhatItsActivationsAskFor) {
  const auto shapes = [](const char* activation) {
    const NetAndBatch<double> example({.sizes = {7, 5, 6, 3}, .activation = activation}, 1);
    std::vector<std::pair<std::size_t, std::size_t>> all;
    for (const ParameterTensor& tensor : example.network.layout().tensors()) {
      all.emplace_back(tensor.rows, tensor.cols);
    }
    return all;
  };
  using testing::Pair;
  // Weights and biases of each layer; twice as many outputs; twice as many units; slopes.
  EXPECT_THAT(shapes("crelu"), ElementsAre(Pair(5, 7), Pair(5, 1), Pair(6, 10), Pair(6, 1),
                                           Pair(3, 12), Pair(3, 1)));
  EXPECT_THAT(shapes("maxout"), ElementsAre(Pair(10, 7), Pair(10, 1), Pair(12, 5), Pair(12, 1),
                                            Pair(3, 6), Pair(3, 1)));
  EXPECT_THAT(shapes("prelu"), ElementsAre(Pair(5, 7), Pair(5, 1), Pair(5, 1), Pair(6, 5),
                                           Pair(6, 1), Pair(6, 1), Pair(3, 6), Pair(3, 1)));
}

TEST(NetworkTest, StartsTheSlopesOfAPreluAtTheirInitialValue) {
  const NetAndBatch<float> example({.sizes = {7, 5, 6, 3}, .activation = "prelu"}, 1);
  const ParameterTensor& slopes = example.network.layout().tensors()[5];
  EXPECT_EQ(slopes.name, "layer_2.activation");
  EXPECT_EQ(slopes.group, ParameterGroup::activation);
  EXPECT_EQ(part_of(example.parameters, slopes), oracle::Row(6, 0.25));
}

TEST(NetworkTest, WithoutHiddenLayersHasAnOutputLayerAlone) {
  const NetAndBatch<double> example({.sizes = {7, 3}}, 1);
  ASSERT_THAT(example.network.layout().tensors(), SizeIs(2));
  EXPECT_EQ(example.network.layout().tensors()[0].group, ParameterGroup::output);
  EXPECT_EQ(example.network.layout().size(), 24U);
}

TEST(NetworkTest, StartsAtAPointThatTheSeedAloneDecides) {
  const NetChoice net{.sizes = {7, 5, 6, 3}};
  EXPECT_EQ(drawn<double>(net, 5), drawn<double>(net, 5));
  const std::vector<double> one = drawn<double>(net, 5);
  const std::vector<double> other = drawn<double>(net, 6);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_NE(one[i], other[i]) << i;
}

TEST(NetworkTest, StartsInSinglePrecisionAtTheRoundedPointOfDoublePrecision) {
  const NetChoice net{.sizes = {7, 5, 6, 3}};
  const std::vector<double> exact = drawn<double>(net, 5);
  const std::vector<float> rounded = drawn<float>(net, 5);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    EXPECT_EQ(rounded[i], static_cast<float>(exact[i])) << i;
  }
}

TEST(NetworkTest, StartsALayerAtTheSamePointWhateverIsBeforeAndAfterIt) {
  const NetAndBatch<double> shallow({.sizes = {7, 5, 5, 3}}, 9);
  const NetAndBatch<double> deep({.sizes = {7, 5, 5, 5, 5, 3}}, 9);
  for (const std::size_t tensor : {0, 1, 2, 3}) {
    EXPECT_EQ(part_of(shallow.parameters, shallow.network.layout().tensors()[tensor]),
              part_of(deep.parameters, deep.network.layout().tensors()[tensor]));
  }
}

TEST(NetworkTest, StartsLayersOfOneSizeAtDifferentPoints) {
  const NetAndBatch<double> example({.sizes = {5, 5, 5}}, 9);
  EXPECT_NE(part_of(example.parameters, example.network.layout().tensors()[0]),
            part_of(example.parameters, example.network.layout().tensors()[2]));
}

TEST(NetworkTest, GivesAnExampleTheSameBitsWhateverStandsBesideIt) {
  const NetChoice net{.sizes = {7, 37, 18, 3}, .activation = "gelu", .batch = 17};
  NetAndBatch<double> example(net, 4);
  const oracle::Row together = flat(example.network.forward(example.parameters, example.inputs()));
  for (std::size_t i = 0; i < net.batch; ++i) {
    const MatrixView<const double> alone{example.inputs().row(i), 1, 7, 7};
    const oracle::Row output = flat(example.network.forward(example.parameters, alone));
    for (std::size_t j = 0; j < 3; ++j) EXPECT_EQ(output[j], together[i * 3 + j]) << i;
  }
}

TEST(NetworkTest, TakesAStepOnFewerRowsThanTheBatch) {
  // As the gradient tests: some 100 roundings of 2^-53, times what the net amplifies.
  constexpr double kOracle = 1e-12;
  const NetChoice net{.sizes = {7, 5, 6, 3}, .activation = "sigmoid", .batch = 17};
  NetAndBatch<double> example(net, 4);
  example.step();  // fills the buffers beyond the rows used next
  for (const std::size_t rows : {1, 2, 5, 16}) {
    const oracle::NaiveStep expected = example.naive_step(rows);
    EXPECT_NEAR(example.step(rows), expected.loss, kOracle * expected.loss);
    EXPECT_LE(relative_difference(example.gradient, expected.gradient), kOracle) << rows;
    EXPECT_EQ(example.network.layer(0).error_signal().rows, rows);
  }
}

TEST(NetworkTest, TakesTheSameStepAfterAnEvaluationInBetween) {
  NetAndBatch<double> example({.sizes = {7, 5, 6, 3}, .activation = "sigmoid", .batch = 17}, 4);
  example.step();
  const std::vector<double> before = example.gradient;
  example.network.forward(example.parameters, example.inputs().first_rows(2));
  example.step();
  EXPECT_EQ(example.gradient, before);
}

TEST(NetworkTest, KeepsANotANumberInItsOwnExample) {
  NetAndBatch<double> example({.sizes = {7, 5, 6, 3}, .activation = "relu", .batch = 3}, 4);
  const oracle::Row before = flat(example.network.forward(example.parameters, example.inputs()));
  std::vector<double> inputs = flat(example.inputs());
  inputs[7] = std::nan("");  // in the second of the three examples
  const oracle::Row after = flat(example.network.forward(
      example.parameters, MatrixView<const double>{inputs.data(), 3, 7, 7}));
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_TRUE(i / 3 == 1 ? std::isnan(after[i]) : after[i] == before[i]) << i;
  }
}

}  // namespace
}  // namespace plumbline
