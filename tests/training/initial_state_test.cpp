// SPDX-License-Identifier: Apache-2.0
// What a run's first batch shows, counted entry by entry, and what whole runs say of it.
#include "engine/training/initial_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A net of 2 hidden layers of 7 units after the passes over 5 examples.
struct Passed {
  explicit Passed(const std::string& activation, double weight_variance)
      : model(configured({{"model.depth", node(2)},
                          {"model.width", node(7)},
                          {"model.precision", node("float64")},
                          {"model.activation", node(activation.c_str())},
                          {"model.initializer.name", node("mean_field")},
                          {"model.initializer.weight_variance", node(weight_variance)}})
                  .model),
        network(model, 3, 2, 5),
        parameters(network.layout().size()),
        gradient(parameters.size()) {
    network.initialize(*model.initializer, 4, parameters);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      inputs[i] = 1 + 0.3 * std::sin(1.7 * static_cast<double>(i));
    }
    const MatrixView<const double> batch{inputs.data(), 5, 3, 3};
    network.forward(parameters, batch);
    const MatrixView<double> upstream = network.output_gradient();
    for (std::size_t i = 0; i < 5; ++i) {
      for (std::size_t j = 0; j < 2; ++j) upstream(i, j) = 1.0 + static_cast<double>(i + j);
    }
    network.backward(parameters, batch, gradient);
  }

  ModelSettings model;
  Network<double> network;
  std::vector<double> parameters;
  std::vector<double> gradient;
  std::vector<double> inputs = std::vector<double>(15);
};

class InitialStateTest : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Of, InitialStateTest, testing::Values("relu", "tanh", "sigmoid", "gelu"),
                         [](const auto& param_info) { return std::string(param_info.param); });

TEST_P(InitialStateTest, CountsWhatEachUnitDoesOverTheBatch) {
  const std::string name = GetParam();
  Passed net(name, name == "relu" ? 2 : 900);
  const auto& phi = dynamic_cast<const ElementwiseActivation&>(*net.model.activation);
  const double largest = name == "sigmoid" ? 0.25 : 1;
  const InitialState state = initial_state(net.network, net.model);
  for (std::size_t l = 0; l < 2; ++l) {
    const MatrixView<const double> z = net.network.layer(l).pre_activation();
    const MatrixView<const double> signal = net.network.layer(l).error_signal();
    double square = 0;
    double saturated = 0;
    double silent = 0;
    double active = 0;
    for (std::size_t j = 0; j < 7; ++j) {
      int zeros = 0;
      for (std::size_t i = 0; i < 5; ++i) {
        square += signal(i, j) * signal(i, j);
        saturated += std::abs(phi.slope(z(i, j))) < 0.01 * largest ? 1 : 0;
        zeros += phi.slope(z(i, j)) == 0 ? 1 : 0;
      }
      silent += zeros == 5 ? 1 : 0;
      active += zeros == 0 ? 1 : 0;
    }
    constexpr double kRounding = 1e-14;  // of 35 squares
    EXPECT_NEAR(state.error_signal[l], std::sqrt(square / 5), kRounding * std::sqrt(square));
    EXPECT_EQ(state.lost[l], 0);
    const MatrixView<const double> input = net.network.layer(l).input();
    double largest_input = 0;
    for (std::size_t j = 0; j < input.cols; ++j) {
      for (std::size_t i = 0; i < 5; ++i) {
        largest_input = std::max(largest_input, std::abs(input(i, j)));
      }
    }
    EXPECT_EQ(state.input[l], largest_input);
    EXPECT_EQ(state.units[l], 7);
    EXPECT_EQ(state.silent[l], silent);
    EXPECT_EQ(state.active[l], active);
    const bool is_flat_at_both_ends = name == "tanh" || name == "sigmoid";
    EXPECT_EQ(std::isnan(state.saturated[l]), !is_flat_at_both_ends);
    if (is_flat_at_both_ends) {
      EXPECT_NEAR(state.saturated[l], saturated / 35, kRounding);
      EXPECT_GT(saturated, 0) << "the case shall have some";
    }
    if (name == "relu") {
      EXPECT_GT(silent + active, 0) << "the case shall have some";
    }
  }
  EXPECT_TRUE(std::isnan(state.saturated[2])) << "the output layer has no activation";
}

std::vector<Setting> net_of(const char* activation, const char* initializer, std::int64_t depth,
                            const char* precision = "float32") {
  return {{"data.name", node("digits")},
          {"model.depth", node(depth)},
          {"model.width", node(50)},
          {"model.activation", node(activation)},
          {"model.initializer", node(initializer)},
          {"model.precision", node(precision)},
          {"train.batch", node(32)},
          {"train.steps", node(0)}};
}

std::string diagnosis_of(const std::vector<Setting>& settings) {
  return trained(settings).diagnosis;
}

TEST(DiagnosedRunTest, SaysWhatTheoryAndRunAgreeUpon) {
  EXPECT_THAT(diagnosis_of(net_of("sigmoid", "glorot_normal", 20)),
              StartsWith("vanishing as predicted: layer 1 has"));
  EXPECT_THAT(diagnosis_of(net_of("tanh", "glorot_normal", 20)), StartsWith("healthy: "));
  EXPECT_THAT(diagnosis_of(with(net_of("linear", "mean_field", 20),
                                {{"model.initializer.name", node("mean_field")},
                                 {"model.initializer.weight_variance", node(4.0)}})),
              StartsWith("exploding as predicted: "));
}

TEST(DiagnosedRunTest, HasNoBandButADiagnosisForOrthogonalWeights) {
  const RunRecord record = trained(net_of("sigmoid", "orthogonal", 20));
  EXPECT_THAT(record.diagnosis, StartsWith("vanishing as predicted: "));
  for (const double z : record.theory_error_signal_z) EXPECT_TRUE(std::isnan(z));
}

TEST(DiagnosedRunTest, TellsUnderflowFromASmallSignal) {
  EXPECT_THAT(diagnosis_of(net_of("sigmoid", "glorot_normal", 100)),
              testing::AllOf(StartsWith("numerically lost (underflow): from layer "),
                             HasSubstr("Also vanishing as predicted: ")));
  EXPECT_THAT(diagnosis_of(net_of("sigmoid", "glorot_normal", 100, "float64")),
              StartsWith("vanishing as predicted: layer 1 has"));
  // Here activations are lost first, by 0.71 a layer.
  EXPECT_THAT(diagnosis_of(net_of("relu", "glorot_normal", 300)),
              testing::AllOf(StartsWith("numerically lost (underflow): from layer "),
                             HasSubstr("up activations are below what float32 holds"),
                             testing::Not(HasSubstr("Also"))));
  EXPECT_THAT(diagnosis_of(net_of("relu", "glorot_normal", 300, "float64")),
              StartsWith("vanishing as predicted: layer 1 has"));
}

TEST(DiagnosedRunTest, SeesSaturationAndUnitsThatAreDead) {
  EXPECT_THAT(diagnosis_of(with(net_of("tanh", "mean_field", 5),
                                {{"model.initializer.name", node("mean_field")},
                                 {"model.initializer.weight_variance", node(1e6)}})),
              HasSubstr("saturated: in 5 layers"));
  // Inputs of a layer above are not negative, and its weights are not positive.
  EXPECT_THAT(
      diagnosis_of(with(net_of("relu", "normal", 3), {{"model.initializer.name", node("normal")},
                                                      {"model.initializer.mean", node(-0.2)},
                                                      {"model.initializer.std", node(0.01)}})),
      HasSubstr("dead units: in "));
}

TEST(DiagnosedRunTest, FindsNoDeadUnitsInReluNetsAsTheyAreDrawn) {
  // Deep in the net all examples are nearly one to a unit: half of the units are silent for all of them.
  for (std::int64_t seed = 0; seed < 5; ++seed) {
    const std::string text =
        diagnosis_of(with(net_of("relu", "he_normal", 40), {{"train.seed", node(seed)}}));
    EXPECT_THAT(text, testing::Not(HasSubstr("dead units"))) << seed;
  }
}

TEST(DiagnosedRunTest, SaysThatASignalIsCutOffByWeightsOfZero) {
  EXPECT_THAT(diagnosis_of(net_of("tanh", "zeros", 3)),
              StartsWith("cut off: from layer 3 down the error signal is zero"));
}

TEST(DiagnosedRunTest, SaysWhyThereIsNoPrediction) {
  const auto reason = [](const std::vector<Setting>& more) {
    return diagnosis_of(with(net_of("relu", "he_normal", 5), more));
  };
  EXPECT_THAT(reason({{"model.normalization", node("batch_norm")}}),
              HasSubstr("no prediction: batch normalization"));
  EXPECT_THAT(reason({{"model.kind", node("residual")}}),
              HasSubstr("no prediction: the model is of the kind residual"));
  EXPECT_THAT(
      reason({{"model.initializer.name", node("normal")}, {"model.initializer.mean", node(0.01)}}),
      HasSubstr("no prediction: weights whose mean is not 0"));
}

TEST(DiagnosedRunTest, DoesNotDependOnTheProbes) {
  const RunRecord bare = trained(small_run());
  const RunRecord probed = trained(with(small_run(), {{"probes.error_signal.every", node(1)}}));
  EXPECT_FALSE(bare.diagnosis.empty());
  EXPECT_EQ(bare.diagnosis, probed.diagnosis);
  ASSERT_EQ(bare.theory_error_signal_z.size(), 3U);
  for (std::size_t l = 0; l < 2; ++l) {
    EXPECT_EQ(bare.theory_error_signal_z[l], probed.theory_error_signal_z[l]);
    // The band's middle and width, and the probe's own number.
    const double low = std::log(probed.theory_error_signal_low[l]);
    const double high = std::log(probed.theory_error_signal_high[l]);
    const double signal = std::log(metric(probed, "error_signal")[l]);
    const double z = 1.959963984540054 * (signal - (low + high) / 2) / ((high - low) / 2);
    EXPECT_NEAR(bare.theory_error_signal_z[l], z, 1e-11) << "rounding over a width of 0.1 or more";
  }
  EXPECT_TRUE(std::isnan(bare.theory_error_signal_z[2]));
}

}  // namespace
}  // namespace plumbline
