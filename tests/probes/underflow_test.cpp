// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "tests/kernels/on_threads.hpp"
#include "tests/network/net_and_batch.hpp"
#include "tests/probes/measured.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

constexpr float kLeastNormal = std::numeric_limits<float>::min();

double share_of(const std::vector<float>& values, const auto& counts) {
  return static_cast<double>(std::ranges::count_if(values, counts)) /
         static_cast<double>(values.size());
}
bool is_small(float value) { return std::abs(value) < kLeastNormal; }
bool is_subnormal(float value) { return value != 0 && is_small(value); }

double length_of(const oracle::Row& values) {
  const double most = largest(values);
  double squares = 0;
  for (const double value : values) squares += (value / most) * (value / most);
  return most == 0 ? 0 : most * std::sqrt(squares);
}

// Every layer multiplies each of four values by one power of two, so that the error signal of layer l is
// 2^-K_l dL/dy and its gradient 2^-(K_1 + k_1 - k_l) x dL/dy, in float64 without any rounding. The floats
// are rounded once a layer. One example, so that a gradient is one product an entry.
TEST(UnderflowTest, CountsWhatALinearNetOfPowersOfTwoLoses) {
  constexpr std::size_t kUnits = 4;
  constexpr std::array<int, 6> kPowers = {20, 11, 6,
                                          16, 27, 100};  // K_l = 160, 149, 143, 127, 100, 0
  NetAndBatch<float> example({.sizes = std::vector<std::size_t>(kPowers.size() + 1, kUnits),
                              .activation = "linear",
                              .batch = 1},
                             5);
  std::ranges::fill(example.parameters, 0.0F);
  for (std::size_t l = 0; l < kPowers.size(); ++l) {
    const std::size_t first = example.network.layer(l).weight().offset;
    for (std::size_t j = 0; j < kUnits; ++j) {
      example.parameters[first + j * (kUnits + 1)] = std::ldexp(1.0F, -kPowers[l]);
    }
  }
  example.step();
  ProbeAlone<float> probe("underflow", {}, probed_run(example));
  probe->before_update(snapshot_of(example), probe.readings());

  const oracle::Row x = flat(example.inputs());
  const oracle::Row slope = flat(example.network.layer(kPowers.size() - 1).error_signal());
  std::vector<std::vector<float>> outputs(kPowers.size(),
                                          {x.begin(), x.end()});  // below each layer
  for (std::size_t l = 1; l < kPowers.size(); ++l) {
    outputs[l] = outputs[l - 1];
    for (float& a : outputs[l]) a *= std::ldexp(1.0F, -kPowers[l - 1]);
  }
  std::vector<float> signal(slope.begin(), slope.end());
  int power = 0;
  int all = 0;
  for (const int of_layer : kPowers) all += of_layer;
  bool parts = false;
  for (std::size_t l = kPowers.size(); l-- > 0;) {
    std::vector<float> gradient;
    for (const float delta : signal) {
      for (const float a : outputs[l]) gradient.push_back(delta * a);
    }
    EXPECT_EQ(probe["error_signal_zero_share"][l],
              share_of(signal, [](float d) { return d == 0; }));
    EXPECT_EQ(probe["error_signal_subnormal_share"][l], share_of(signal, is_subnormal));
    EXPECT_EQ(probe["error_signal_lost_share"][l], share_of(signal, is_small));
    EXPECT_EQ(probe["gradient_lost_share"][l], share_of(gradient, is_small)) << l;
    // Sums of 4 and 16 squares, of which 1e-14 is more than all roundings.
    constexpr double kSums = 1e-14;
    const double exact = std::ldexp(length_of(slope), -power);
    const double exact_gradient = std::ldexp(length_of(slope) * length_of(x), -(all - kPowers[l]));
    EXPECT_NEAR(probe["shadow_error_signal"][l], exact, kSums * exact);
    EXPECT_NEAR(probe["shadow_gradient_norm"][l], exact_gradient, kSums * exact_gradient);
    const double subnormal = probe["error_signal_subnormal_share"][l];
    parts = parts || (subnormal > 0 && subnormal < 1);
    for (float& delta : signal) delta *= std::ldexp(1.0F, -kPowers[l]);
    power += kPowers[l];
  }
  EXPECT_EQ(probe["error_signal_lost_share"][4], 0);
  EXPECT_EQ(probe["gradient_lost_share"][4], 1) << "lost in the product alone";
  EXPECT_EQ(probe["error_signal_zero_share"][0], 1);
  EXPECT_TRUE(parts) << "else no layer has both sorts of numbers";
}

// Two computations in float64 in different orders, over up to 50 layers: the probe promises 1e-10.
constexpr double kPromised = 1e-10;

struct Dying {
  std::string activation;
  double weight_variance;
};

void expect_shadow_of(const Dying& net, int threads) {
  std::vector<std::size_t> sizes(50, 11);
  sizes.front() = 7;
  sizes[20] = 13;
  sizes.back() = 3;
  NetAndBatch<float> example({.sizes = sizes,
                              .activation = net.activation,
                              .batch = 5,
                              .weight_variance = net.weight_variance,
                              .bias_variance = 0.1},
                             4);
  ProbeAlone<float> probe("underflow", {}, probed_run(example));
  OnThreads(threads).run([&] {
    example.step();
    probe->before_update(snapshot_of(example), probe.readings());
  });
  const oracle::NaiveStep step = example.naive_step();
  bool some = false;
  for (std::size_t l = 0; l < example.network.depth(); ++l) {
    const ParameterTensor& weight = example.network.layer(l).weight();
    const oracle::Row exact = flat(step.error_signals[l + 1]);
    const oracle::Row exact_gradient = part_of(step.gradient, weight);
    const double signal = length_of(exact) / std::sqrt(5.0);
    const double gradient = length_of(exact_gradient);
    ASSERT_NEAR(probe["shadow_error_signal"][l], signal, kPromised * signal) << l;
    ASSERT_NEAR(probe["shadow_gradient_norm"][l], gradient, kPromised * gradient) << l;
    const auto expect_lost = [&](const std::string& quantity, const oracle::Row& there,
                                 const oracle::Row& measured) {
      double nonzero = 0;
      double lost = 0;
      for (std::size_t i = 0; i < there.size(); ++i) {
        nonzero += there[i] != 0 ? 1 : 0;
        lost += there[i] != 0 && std::abs(measured[i]) < static_cast<double>(kLeastNormal) ? 1 : 0;
      }
      ASSERT_GT(nonzero, 0);
      EXPECT_EQ(probe[quantity][l], lost / nonzero) << quantity << " of layer " << l;
      some = some || (lost > 0 && lost < nonzero);
    };
    expect_lost("error_signal_lost_share", exact, flat(example.network.layer(l).error_signal()));
    expect_lost("gradient_lost_share", exact_gradient, part_of(example.gradient, weight));
  }
  EXPECT_EQ(probe["error_signal_lost_share"].front(), 1);
  EXPECT_EQ(probe["error_signal_lost_share"].back(), 0);
  EXPECT_GT(probe["shadow_error_signal"].front(), 0);
  EXPECT_TRUE(some) << "else no layer is lost in part";
}

TEST(UnderflowTest, HasTheNumbersOfAnIndependentPassInDoublePrecision) {
  for (const int threads : {1, 2}) {
    expect_shadow_of({"sigmoid", 0.5}, threads);
    expect_shadow_of({"relu", 0.03}, threads);
    expect_shadow_of({"tanh", 0.02}, threads);
  }
}

TEST(UnderflowTest, CountsNothingAsLostThatIsZeroInDoublePrecisionToo) {
  NetAndBatch<float> example({.sizes = {7, 9, 5, 3}, .activation = "relu", .batch = 4}, 2);
  const ParameterTensor& last = example.network.layer(2).weight();
  std::fill_n(example.parameters.begin() + static_cast<std::ptrdiff_t>(last.offset), last.size(),
              0.0F);
  example.step();
  ProbeAlone<float> probe("underflow", {}, probed_run(example));
  probe->before_update(snapshot_of(example), probe.readings());
  for (const std::size_t l : {0, 1}) {
    EXPECT_EQ(probe["error_signal_zero_share"][l], 1);
    EXPECT_EQ(probe["shadow_error_signal"][l], 0);
    EXPECT_EQ(probe["shadow_gradient_norm"][l], 0);
    EXPECT_TRUE(std::isnan(probe["error_signal_lost_share"][l]));
    EXPECT_TRUE(std::isnan(probe["gradient_lost_share"][l]));
  }
  EXPECT_EQ(probe["error_signal_zero_share"][2], 0);
  EXPECT_EQ(probe["error_signal_lost_share"][2], 0);
}

struct Case {
  std::string name;
  std::vector<Setting> settings;
};

class UnderflowOf : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(
    Models, UnderflowOf,
    testing::Values(
        Case{"dropout",
             {{"model.layers",
               {SettingList{node("flatten"),
                            {settings_table({{"name", node("dropout")}, {"rate", node(0.3)}}), {}},
                            {settings_table({{"name", node("dense")}, {"width", node(12)}}), {}},
                            node("activation")},
                {}}}}},
        Case{"batch_norm", {{"model.normalization.name", node("batch_norm")}}},
        Case{"weight_norm", {{"model.normalization.name", node("weight_norm")}}},
        Case{"prelu", {{"model.activation", node("prelu")}}},
        Case{"residual", {{"model.kind", node("residual")}, {"model.depth", node(5)}}},
        Case{
            "cnn",
            {{"model.kind", node("cnn")}, {"model.width", node(4)}, {"model.pool_every", node(1)}}},
        Case{"rnn",
             {{"data.name", node("adding_problem")},
              {"data.steps", node(10)},
              {"loss.name", node("mean_squared_error")},
              {"model.kind", node("rnn")}}},
        Case{"lstm",
             {{"data.name", node("copy_memory")},
              {"data.delay", node(5)},
              {"model.kind", node("lstm")}}}),
    [](const auto& instance) { return instance.param.name; });

// A float32 pass of some ten layers is right to 1e-5 of each layer, if the two have the same noise: another draw
// of dropout changes error signals by a tenth or more.
constexpr double kSinglePass = 1e-4;

TEST_P(UnderflowOf, FollowsTheRunThroughItsOwnNoise) {
  std::vector<Setting> base = small_run();
  if (GetParam().settings.front().first == "model.layers") {
    std::erase_if(base, [](const Setting& setting) {
      return setting.first == "model.depth" || setting.first == "model.width";
    });
  }
  const RunRecord record =
      trained(with(with(base, GetParam().settings), {{"train.steps", node(4)},
                                                     {"probes.underflow.every", node(2)},
                                                     {"probes.error_signal.every", node(2)},
                                                     {"probes.gradient_norm.every", node(2)}}));
  ASSERT_EQ(record.status, RunStatus::complete) << record.message;
  for (const auto& [shadow, own] : {std::pair("shadow_error_signal", "error_signal"),
                                    std::pair("shadow_gradient_norm", "gradient_norm")}) {
    const std::vector<double>& expected = metric(record, shadow);
    const std::vector<double>& found = metric(record, own);
    EXPECT_TRUE(std::isfinite(expected.back())) << shadow;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      // Both have no gradient at the first step of an unrolled layer.
      EXPECT_EQ(std::isnan(found[i]), std::isnan(expected[i])) << own << " " << i;
      if (std::isnan(expected[i])) continue;
      EXPECT_NEAR(found[i], expected[i], kSinglePass * expected[i]) << own << " " << i;
    }
  }
}

TEST(UnderflowTest, OfARunInDoublePrecisionHasNoShadow) {
  NetAndBatch<double> example({.sizes = {7, 9, 3}, .batch = 4}, 2);
  example.step();
  ModelSettings model = example.model();
  ProbedRun run = probed_run(example);
  ProbeAlone<float> probe("underflow", {}, run);
  for (std::size_t q = 0; q < probe.kind().quantities().size(); ++q) {
    EXPECT_EQ(probe.kind().undefined(q, run), "");
  }
  model.precision = Precision::float64;
  const ProbedRun wide{.model = model,
                       .loss = run.loss,
                       .input = run.input,
                       .outputs = 3,
                       .batch = 4,
                       .train_examples = 4,
                       .layers = 2,
                       .layout = run.layout};
  EXPECT_EQ(probe.kind().undefined(1, wide), "");
  EXPECT_NE(probe.kind().undefined(2, wide), "");
  ProbeAlone<double> own("underflow", {}, wide);
  own->before_update(snapshot_of(example), own.readings());
  EXPECT_EQ(own["error_signal_zero_share"][0], 0);
  EXPECT_TRUE(std::isnan(own["shadow_error_signal"][0]));
}

}  // namespace
}  // namespace plumbline
