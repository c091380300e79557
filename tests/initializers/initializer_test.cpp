// SPDX-License-Identifier: Apache-2.0
// The contract of every initializer, over the catalogue, with settings that are not the defaults.
#include "engine/initializers/initializer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/core/tensor.hpp"
#include "engine/network/network.hpp"
#include "tests/initializers/statistics.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

// From fixed seeds, so a test passes always or never; a right initializer fails a bound of 5
// standard errors for one seed in 1.7 million.
constexpr double kStandardErrors = 5;
constexpr std::size_t kFanOut = 200;
constexpr std::size_t kFanIn = 300;
constexpr double kCount = kFanOut * kFanIn;

/// Settings under which no default can hide.
SettingsTable unusual_settings(const std::string& name) {
  if (name == "normal") return table_of({{"mean", 0.3}, {"std", 0.2}});
  if (name == "uniform") return table_of({{"low", -0.1}, {"high", 0.7}});
  if (name == "mean_field") return table_of({{"weight_variance", 1.7}, {"bias_variance", 0.4}});
  if (name == "orthogonal") return table_of({{"gain", 1.5}});
  return {};
}

std::string name_of(const testing::TestParamInfo<std::string>& info) { return info.param; }

class EveryInitializer : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<const Initializer> initializer_ =
      made(initializer_catalogue(), GetParam().c_str(), unusual_settings(GetParam()));
};

INSTANTIATE_TEST_SUITE_P(Catalogue, EveryInitializer,
                         testing::ValuesIn(initializer_catalogue().names()), name_of);

TEST_P(EveryInitializer, WeightsHaveTheirStatedMean) {
  const double variance = initializer_->weight_variance(kFanIn, kFanOut).value();
  const Drawn all = drawn(*initializer_, kFanOut, kFanIn, 1);
  EXPECT_NEAR(mean(all.weights), initializer_->weight_mean(),
              kStandardErrors * std::sqrt(variance / kCount));
}

TEST_P(EveryInitializer, WeightsHaveTheirStatedVariance) {
  // The mean of n squares of a normal variable has the relative standard error sqrt(2/n); uniform
  // variables and the entries of an orthogonal matrix vary less.
  for (const auto& [fan_out, fan_in] : {std::pair{kFanOut, kFanIn}, std::pair{kFanIn, kFanOut}}) {
    const double variance = initializer_->weight_variance(fan_in, fan_out).value();
    const Drawn all = drawn(*initializer_, fan_out, fan_in, 2);
    EXPECT_NEAR(central_moment(all.weights, initializer_->weight_mean(), 2), variance,
                kStandardErrors * std::sqrt(2 / kCount) * variance);
  }
}

TEST_P(EveryInitializer, BiasesHaveTheirStatedVariance) {
  constexpr std::size_t kBiases = 20000;
  const Drawn all = drawn(*initializer_, kBiases, 1, 3);
  const double variance = initializer_->bias_variance();
  const double n = static_cast<double>(kBiases);
  EXPECT_NEAR(mean(all.biases), 0, kStandardErrors * std::sqrt(variance / n));
  EXPECT_NEAR(central_moment(all.biases, 0, 2), variance,
              kStandardErrors * std::sqrt(2 / n) * variance);
  if (variance == 0) {
    EXPECT_EQ(all.biases, std::vector<double>(kBiases));
  }
}

TEST_P(EveryInitializer, SameSeedGivesTheSameNumbersAndAnotherSeedOthers) {
  const std::vector<double> weights = drawn(*initializer_, 31, 17, 4).weights;
  EXPECT_EQ(drawn(*initializer_, 31, 17, 4).weights, weights);
  if (initializer_->weight_variance(17, 31) > 0) {
    EXPECT_NE(drawn(*initializer_, 31, 17, 5).weights, weights);
  }
}

TEST_P(EveryInitializer, FillsTheRowsOfAPaddedMatrixAndNothingElse) {
  constexpr std::size_t kRows = 5;
  constexpr std::size_t kCols = 3;
  constexpr std::size_t kStride = 8;
  std::vector<double> padded(kRows * kStride, -99);
  Random random(6, RandomStream::init, 1);
  initializer_->fill_weights({"layer_1.weight", 1, ParameterGroup::hidden, kRows, kCols, 0},
                             {padded.data(), kRows, kCols, kStride}, random);
  const std::vector<double> expected = drawn(*initializer_, kRows, kCols, 6).weights;
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t j = 0; j < kStride; ++j) {
      EXPECT_EQ(padded[i * kStride + j], j < kCols ? expected[i * kCols + j] : -99);
    }
  }
}

TEST_P(EveryInitializer, GivesTheSameNumbersToFourThreadsAtOnce) {
  constexpr std::size_t kThreads = 4;
  constexpr std::int64_t kSeeds = 12;
  std::vector<std::vector<double>> expected;
  for (std::int64_t seed = 0; seed < kSeeds; ++seed) {
    expected.push_back(drawn(*initializer_, 100, 64, seed).weights);
  }
  std::vector<std::vector<std::vector<double>>> found(kThreads);
  std::vector<std::jthread> threads;
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, &mine = found[thread]] {
      for (std::int64_t seed = 0; seed < kSeeds; ++seed) {
        mine.push_back(drawn(*initializer_, 100, 64, seed).weights);
      }
    });
  }
  threads.clear();
  for (const auto& mine : found) EXPECT_EQ(mine, expected);
}

TEST_P(EveryInitializer, StartsFloatAndDoubleNetsAtTheSamePoint) {
  SettingsTable given = table_of({{"depth", 3}, {"width", 20}});
  given.set_path("initializer", {GetParam(), {}});
  const ModelSettings model =
      read_with(given, [](Settings& settings) { return ModelSettings::read(settings); });
  Network<double> in_double(model, 13, 7, 1);
  Network<float> in_float(model, 13, 7, 1);
  Vector<double> doubles(Vector<double>::shape_type{in_double.layout().size()});
  Vector<float> floats(Vector<float>::shape_type{in_float.layout().size()});
  in_double.initialize(*initializer_, 9, values(doubles));
  in_float.initialize(*initializer_, 9, values(floats));
  ASSERT_EQ(doubles.size(), floats.size());
  double largest = 0;
  for (std::size_t i = 0; i < doubles.size(); ++i) {
    EXPECT_EQ(floats[i], static_cast<float>(doubles[i]));
    largest = std::max(largest, std::abs(doubles[i]));
  }
  EXPECT_EQ(largest > 0, GetParam() != "zeros");
}

TEST_P(EveryInitializer, DrawsEachLayerByItself) {
  // A change of one layer's width leaves the numbers of the layers before it as they are.
  SettingsTable given = table_of({{"depth", 3}, {"width", 20}});
  const auto parameters = [&](std::size_t outputs) {
    const ModelSettings model =
        read_with(given, [](Settings& settings) { return ModelSettings::read(settings); });
    Network<double> network(model, 13, outputs, 1);
    std::vector<double> block(network.layout().size());
    network.initialize(*initializer_, 9, block);
    block.resize(network.layout().tensors()[network.layout().tensors().size() - 2].offset);
    return block;
  };
  EXPECT_EQ(parameters(7), parameters(9));
}

}  // namespace
}  // namespace plumbline
