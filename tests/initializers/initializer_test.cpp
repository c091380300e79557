// SPDX-License-Identifier: Apache-2.0
// The contract of every initializer, over the catalogue, with settings that are not the defaults.
#include "engine/initializers/initializer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/core/tensor.hpp"
#include "engine/network/network.hpp"
#include "tests/initializers/statistics.hpp"
#include "tests/initializers/weights_file.hpp"
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
  if (name == "orthogonal" || name == "delta_orthogonal" || name == "identity") {
    return table_of({{"gain", 1.5}});
  }
  if (name == "constant") return table_of({{"value", 0.3}});
  if (name == "sparse") return table_of({{"connections", 7}, {"std", 0.4}});
  if (name.starts_with("he_") || name == "fixup")
    return table_of({{"fan", "fan_out"}, {"slope", 0.5}});
  if (name == "truncated_normal") {
    return table_of({{"mean", 0.3}, {"std", 0.2}, {"low", -0.5}, {"high", 3.0}});
  }
  return {};
}

const std::set<std::string> kWithoutChance = {"constant", "from_file", "identity", "ones", "zeros"};

/// Their weights are not random, or depend on data or on the place in the net.
const std::set<std::string> kWithoutVariance = {"constant",     "fixup", "from_file", "identity",
                                                "looks_linear", "lsuv",  "ones"};

/// How many independent normal variables 60,000 weights hold at least.
double independent_draws(const std::string& name, double fan_out) {
  return name == "sparse" ? 7 * fan_out : kCount;
}

ParameterLayout one_layer(std::size_t fan_out, std::size_t fan_in) {
  ParameterLayout layout;
  layout.add("layer_1.weight", 1, ParameterGroup::hidden, fan_out, fan_in);
  layout.add("layer_1.bias", 1, ParameterGroup::bias, fan_out, 1);
  return layout;
}

std::string name_of(const testing::TestParamInfo<std::string>& info) { return info.param; }

class EveryInitializer : public testing::TestWithParam<std::string> {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  /// For a net of these tensors.
  std::shared_ptr<const Initializer> initializer(const ParameterLayout& layout) const {
    SettingsTable settings = unusual_settings(GetParam());
    if (GetParam() == "from_file") {
      write_weights(path_, layout);
      settings = table_of({{"path", path_.c_str()}});
    }
    return made(initializer_catalogue(), GetParam().c_str(), settings);
  }

  const std::string path_ = [] {
    std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    std::ranges::replace(name, '/', '_');
    return testing::TempDir() + name + ".h5";
  }();
};

INSTANTIATE_TEST_SUITE_P(Catalogue, EveryInitializer,
                         testing::ValuesIn(initializer_catalogue().names()), name_of);

TEST_P(EveryInitializer, StatesAVarianceIfTheFansDecideIt) {
  const auto drawer = initializer(one_layer(kFanOut, kFanIn));
  EXPECT_EQ(drawer->weight_variance(kFanIn, kFanOut).has_value(),
            !kWithoutVariance.contains(GetParam()));
}

TEST_P(EveryInitializer, WeightsHaveTheirStatedMean) {
  const auto drawer = initializer(one_layer(kFanOut, kFanIn));
  const std::optional<double> variance = drawer->weight_variance(kFanIn, kFanOut);
  if (!variance.has_value()) return;
  const Drawn all = drawn(*drawer, kFanOut, kFanIn, 1);
  EXPECT_NEAR(mean(all.weights), drawer->weight_mean(),
              kStandardErrors * std::sqrt(*variance / kCount));
}

TEST_P(EveryInitializer, WeightsHaveTheirStatedVariance) {
  // The mean of n squares of a normal variable has the relative standard error sqrt(2/n); uniform
  // variables and the entries of an orthogonal matrix vary less.
  for (const auto& [fan_out, fan_in] : {std::pair{kFanOut, kFanIn}, std::pair{kFanIn, kFanOut}}) {
    const auto drawer = initializer(one_layer(fan_out, fan_in));
    const std::optional<double> variance = drawer->weight_variance(fan_in, fan_out);
    if (!variance.has_value()) return;
    const Drawn all = drawn(*drawer, fan_out, fan_in, 2);
    const double draws = independent_draws(GetParam(), static_cast<double>(fan_out));
    EXPECT_NEAR(central_moment(all.weights, drawer->weight_mean(), 2), *variance,
                kStandardErrors * std::sqrt(2 / draws) * *variance);
  }
}

TEST_P(EveryInitializer, BiasesHaveTheirStatedVariance) {
  if (GetParam() == "from_file") return;  // they are the file's
  constexpr std::size_t kBiases = 20000;
  const auto drawer = initializer(one_layer(kBiases, 1));
  const Drawn all = drawn(*drawer, kBiases, 1, 3);
  const double variance = drawer->bias_variance();
  const double n = static_cast<double>(kBiases);
  EXPECT_NEAR(mean(all.biases), 0, kStandardErrors * std::sqrt(variance / n));
  EXPECT_NEAR(central_moment(all.biases, 0, 2), variance,
              kStandardErrors * std::sqrt(2 / n) * variance);
  if (variance == 0) {
    EXPECT_EQ(all.biases, std::vector<double>(kBiases));
  }
}

TEST_P(EveryInitializer, SameSeedGivesTheSameNumbersAndAnotherSeedOthers) {
  const auto drawer = initializer(one_layer(32, 17));
  const std::vector<double> weights = drawn(*drawer, 32, 17, 4).weights;
  EXPECT_EQ(drawn(*drawer, 32, 17, 4).weights, weights);
  EXPECT_EQ(drawn(*drawer, 32, 17, 5).weights == weights, kWithoutChance.contains(GetParam()));
}

TEST_P(EveryInitializer, FillsTheRowsOfAPaddedMatrixAndNothingElse) {
  constexpr std::size_t kRows = 6;
  constexpr std::size_t kCols = 3;
  constexpr std::size_t kStride = 8;
  const auto drawer = initializer(one_layer(kRows, kCols));
  std::vector<double> padded(kRows * kStride, -99);
  Random random(6, RandomStream::init, 1);
  drawer->fill_weights({"layer_1.weight", 1, ParameterGroup::hidden, kRows, kCols, 0},
                       {padded.data(), kRows, kCols, kStride}, random);
  const std::vector<double> expected = drawn(*drawer, kRows, kCols, 6).weights;
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t j = 0; j < kStride; ++j) {
      EXPECT_EQ(padded[i * kStride + j], j < kCols ? expected[i * kCols + j] : -99);
    }
  }
}

TEST_P(EveryInitializer, GivesTheSameNumbersToFourThreadsAtOnce) {
  constexpr std::size_t kThreads = 4;
  constexpr std::int64_t kSeeds = 12;
  const auto drawer = initializer(one_layer(100, 64));
  std::vector<std::vector<double>> expected;
  for (std::int64_t seed = 0; seed < kSeeds; ++seed) {
    expected.push_back(drawn(*drawer, 100, 64, seed).weights);
  }
  std::vector<std::vector<std::vector<double>>> found(kThreads);
  std::vector<std::jthread> threads;
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&drawer, &mine = found[thread]] {
      for (std::int64_t seed = 0; seed < kSeeds; ++seed) {
        mine.push_back(drawn(*drawer, 100, 64, seed).weights);
      }
    });
  }
  threads.clear();
  for (const auto& mine : found) EXPECT_EQ(mine, expected);
}

/// Nets of three hidden layers of 20 rectifiers over 13 features.
ModelSettings three_layers() {
  return read_with(table_of({{"depth", 3}, {"width", 20}, {"activation", "relu"}}),
                   [](Settings& settings) { return ModelSettings::read(settings); });
}
constexpr std::size_t kFeatures = 13;
constexpr std::size_t kBatch = 16;

/// A first batch, for initializers that look at it.
template <typename T>
std::vector<T> first_batch() {
  std::vector<T> inputs;
  Random random(10, RandomStream::data, 0);
  for (std::size_t i = 0; i < kBatch * kFeatures; ++i) {
    inputs.push_back(static_cast<T>(random.normal()));
  }
  return inputs;
}

template <typename T>
std::vector<T> started(const Initializer& initializer, std::size_t outputs) {
  Network<T> network(three_layers(), kFeatures, outputs, kBatch);
  std::vector<T> parameters(network.layout().size());
  const std::vector<T> inputs = first_batch<T>();
  network.initialize(initializer, 9, parameters, {inputs.data(), kBatch, kFeatures, kFeatures});
  return parameters;
}

TEST_P(EveryInitializer, StartsFloatAndDoubleNetsAtTheSamePoint) {
  const auto drawer = initializer(parameter_layout(three_layers(), kFeatures, 7));
  const std::vector<double> doubles = started<double>(*drawer, 7);
  const std::vector<float> floats = started<float>(*drawer, 7);
  ASSERT_EQ(doubles.size(), floats.size());
  double largest = 0;
  for (std::size_t i = 0; i < doubles.size(); ++i) {
    // What data decide is known to the precision of the pre-activations: some roundings of 6e-8.
    const double tolerance = drawer->looks_at_data() ? 1e-6 * std::abs(doubles[i]) : 0;
    EXPECT_NEAR(floats[i], static_cast<float>(doubles[i]), tolerance);
    largest = std::max(largest, std::abs(doubles[i]));
  }
  EXPECT_EQ(largest > 0, GetParam() != "zeros");
}

TEST_P(EveryInitializer, DrawsEachLayerByItself) {
  // A change of one layer's width leaves the numbers of the layers before it as they are.
  const auto parameters = [&](std::size_t outputs) {
    const ParameterLayout layout = parameter_layout(three_layers(), kFeatures, outputs);
    std::vector<double> block = started<double>(*initializer(layout), outputs);
    block.resize(layout.tensors()[layout.tensors().size() - 2].offset);
    return block;
  };
  EXPECT_EQ(parameters(7), parameters(9));
}

}  // namespace
}  // namespace plumbline
