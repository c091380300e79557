// SPDX-License-Identifier: Apache-2.0
// The probes error_signal and gradient_norm against the naive oracle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "engine/probes/probe.hpp"
#include "tests/network/net_and_batch.hpp"
#include "tests/probes/measured.hpp"

namespace plumbline {
namespace {

// Both sides make some 100 roundings of 2^-53 forth and back, and add squares in another order.
constexpr double kOracle = 1e-12;

// A rounding error of a few 2^-53 for each of 2 x 400 layers.
constexpr double kDeepOracle = 1e-11;

template <typename T>
std::vector<double> measured(const std::string& probe, const NetAndBatch<T>& example,
                             std::size_t rows) {
  ProbeAlone<T> alone(probe, {}, probed_run(example));
  alone->before_update({.network = example.network,
                        .parameters = example.parameters,
                        .gradient = example.gradient,
                        .rows = rows},
                       alone.readings());
  return alone[probe];
}

// Scaled by the largest element, so that no square is lost.
double naive_norm(const oracle::Row& values) {
  const double scale = largest(values);
  double sum = 0;
  for (const double value : values) sum += (value / scale) * (value / scale);
  return scale * std::sqrt(sum);
}

double naive_error_signal(const oracle::NaiveStep& step, std::size_t layer) {
  return naive_norm(flat(step.error_signals[layer])) /
         std::sqrt(static_cast<double>(step.error_signals[layer].size()));
}

template <typename T>
double naive_gradient_norm(const NetAndBatch<T>& example, const oracle::NaiveStep& step,
                           std::size_t layer) {
  return naive_norm(part_of(step.gradient, example.network.layer(layer - 1).weight()));
}

class LayerProbesTest : public testing::TestWithParam<std::size_t> {};

// Below, at and above the widths of SIMD batches (2, 4, 8, 16), and not divisible by them.
INSTANTIATE_TEST_SUITE_P(OverABatchOf, LayerProbesTest, testing::Values(1, 2, 3, 5, 8, 13, 17, 33),
                         testing::PrintToStringParamName());

TEST_P(LayerProbesTest, MeasureWhatTheOracleComputesInEveryLayer) {
  for (const std::string& activation : activation_catalogue().names()) {
    NetAndBatch<double> example(
        {.sizes = {7, 19, 6, 33, 3}, .activation = activation, .batch = GetParam()}, 3);
    example.step();
    const oracle::NaiveStep step = example.naive_step();
    const std::vector<double> error_signal = measured("error_signal", example, GetParam());
    const std::vector<double> gradient_norm = measured("gradient_norm", example, GetParam());
    for (std::size_t l = 1; l <= example.network.depth(); ++l) {
      const double expected_signal = naive_error_signal(step, l);
      const double expected_norm = naive_gradient_norm(example, step, l);
      EXPECT_NEAR(error_signal[l - 1], expected_signal, kOracle * expected_signal)
          << activation << ", layer " << l;
      EXPECT_NEAR(gradient_norm[l - 1], expected_norm, kOracle * expected_norm)
          << activation << ", layer " << l;
      EXPECT_GT(expected_signal, 0);
      EXPECT_GT(expected_norm, 0);
    }
  }
}

TEST_P(LayerProbesTest, AddUpToTheGlobalSquaredNorm) {
  NetAndBatch<double> example(
      {.sizes = {7, 19, 6, 33, 3}, .activation = "sigmoid", .batch = GetParam()}, 3);
  example.step();
  double sum = 0;
  for (const double norm : measured("gradient_norm", example, GetParam())) sum += norm * norm;
  for (const ParameterTensor& tensor : example.network.layout().tensors()) {
    if (tensor.group != ParameterGroup::bias) continue;
    for (const double g : part_of(example.gradient, tensor)) sum += g * g;
  }
  double global = 0;
  for (const double g : example.gradient) global += g * g;
  EXPECT_NEAR(sum, global, kOracle * global);
}

TEST_P(LayerProbesTest, AreNotDisturbedByAnEvaluationOfFewerRowsBefore) {
  NetAndBatch<double> example({.sizes = {7, 19, 6, 3}, .batch = GetParam()}, 3);
  example.step();
  const auto before = measured("error_signal", example, GetParam());
  example.network.forward(example.parameters, example.inputs().first_rows(1));
  example.step();
  EXPECT_EQ(measured("error_signal", example, GetParam()), before);
}

TEST(ErrorSignalTest, OfFewerRowsThanTheBatchIsTheirMean) {
  NetAndBatch<double> example({.sizes = {7, 19, 6, 3}, .batch = 17}, 3);
  example.step();
  example.step(5);
  const oracle::NaiveStep step = example.naive_step(5);
  const std::vector<double> error_signal = measured("error_signal", example, 5);
  for (std::size_t l = 1; l <= example.network.depth(); ++l) {
    const double expected = naive_error_signal(step, l);
    EXPECT_NEAR(error_signal[l - 1], expected, kOracle * expected);
  }
}

TEST(LayerProbesDeepTest, MeasureSignalsWhoseSquaresUnderflow) {
  // A sigmoid net loses a factor 0.236 a layer: over 400 layers some 1e-250, whose square is zero.
  std::vector<std::size_t> sizes(402, 6);
  sizes.back() = 3;
  NetAndBatch<double> example({.sizes = sizes,
                               .activation = "sigmoid",
                               .batch = 3,
                               .weight_variance = 1,
                               .bias_variance = 0},
                              2);
  example.step();
  const oracle::NaiveStep step = example.naive_step();
  const std::vector<double> error_signal = measured("error_signal", example, 3);
  const std::vector<double> gradient_norm = measured("gradient_norm", example, 3);
  for (std::size_t l = 1; l <= example.network.depth(); ++l) {
    const double expected_signal = naive_error_signal(step, l);
    const double expected_norm = naive_gradient_norm(example, step, l);
    ASSERT_NEAR(error_signal[l - 1], expected_signal, kDeepOracle * expected_signal) << l;
    ASSERT_NEAR(gradient_norm[l - 1], expected_norm, kDeepOracle * expected_norm) << l;
  }
  EXPECT_LT(error_signal[0], 1e-200) << "else this net does not test what it should";
  EXPECT_GT(error_signal[0], 1e-300);
  EXPECT_LT(gradient_norm[0], 1e-200);
}

TEST(LayerProbesDeepTest, InSinglePrecisionMeasureSubnormalSignals) {
  // Until 2^-126 a float carries 24 bits; the subnormal ones below lose them one by one.
  std::vector<std::size_t> sizes(62, 30);
  sizes.back() = 3;
  NetAndBatch<float> example({.sizes = sizes,
                              .activation = "sigmoid",
                              .batch = 5,
                              .weight_variance = 1,
                              .bias_variance = 0},
                             2);
  example.step();
  const std::vector<double> error_signal = measured("error_signal", example, 5);
  for (std::size_t l = 1; l <= example.network.depth(); ++l) {
    double sum = 0;
    for (const double delta : flat(example.network.layer(l - 1).error_signal())) {
      sum += delta * delta;
    }
    EXPECT_NEAR(error_signal[l - 1], std::sqrt(sum / 5), kOracle * std::sqrt(sum / 5)) << l;
  }
  EXPECT_LT(error_signal[0], 1.2e-38) << "else this net does not test what it should";
  EXPECT_GT(error_signal[0], 0);
}

TEST(ProbeCatalogueTest, SaysWhatEachProbeMeans) {
  for (const ProbeEntry& entry : probe_catalogue().entries()) {
    EXPECT_FALSE(entry.info.summary.empty()) << entry.info.name;
    EXPECT_FALSE(entry.info.formula.empty()) << entry.info.name;
    EXPECT_FALSE(entry.info.paper.empty()) << entry.info.name;
    for (const Quantity& quantity : make_plugin(probe_catalogue(), entry.info.name)->quantities()) {
      EXPECT_FALSE(quantity.name.empty()) << entry.info.name;
      EXPECT_FALSE(quantity.summary.empty()) << quantity.name;
      EXPECT_FALSE(quantity.units.empty()) << quantity.name;
    }
  }
  EXPECT_THAT(probe_catalogue().names(), testing::IsSupersetOf({"error_signal", "gradient_norm"}));
}

}  // namespace
}  // namespace plumbline
