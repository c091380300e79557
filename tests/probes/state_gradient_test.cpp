// SPDX-License-Identifier: Apache-2.0
// Slopes in the state of recurrent layers against the time lag.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

constexpr std::size_t kSteps = 12;

std::vector<Setting> run_of(const std::string& kind) {
  return {{"data.name", node("adding_problem")},
          {"data.steps", node(kSteps)},
          {"data.train", node(50)},
          {"loss.name", node("mean_squared_error")},
          {"model.kind", node(kind)},
          {"model.width", node(9)},
          {"model.precision", node("float64")},
          {"train.batch", node(5)},
          {"train.steps", node(2)},
          {"probes.state_gradient.every", node(1)}};
}

std::vector<double> at_start(const std::vector<Setting>& settings) {
  const RunRecord record = trained(settings);
  EXPECT_EQ(record.n_lags, static_cast<std::int64_t>(kSteps));
  const std::vector<double>& values = metric(record, "state_gradient");
  return {values.begin(), values.begin() + kSteps};
}

// With a linear h_t = W x_t + U h_{t-1} and U = rho times the identity, dL/dh_{T-k} = rho^k dL/dh_T. Twelve
// products with one rounding of 2^-53 each.
constexpr double kExact = 1e-13;

TEST(StateGradientTest, FallsByExactlyTheScaleOfAnOrthogonalMatrix) {
  for (const double rho : {0.5, 0.9, 1.0, 1.05}) {
    for (const char* initializer : {"identity", "orthogonal"}) {
      const std::vector<double> values =
          at_start(with(run_of("rnn"), {{"model.activation", node("linear")},
                                        {"model.recurrent_initializer.name", node(initializer)},
                                        {"model.recurrent_initializer.gain", node(rho)}}));
      EXPECT_GT(values[0], 0);
      for (std::size_t lag = 1; lag < kSteps; ++lag) {
        // An orthogonal matrix is one to 1e-14 or so.
        EXPECT_NEAR(std::log(values[lag] / values[0]), static_cast<double>(lag) * std::log(rho),
                    100 * kExact)
            << initializer << " times " << rho << ", lag " << lag;
      }
    }
  }
}

TEST(StateGradientTest, ShrinksWithATanh) {
  const std::vector<double> values =
      at_start(with(run_of("rnn"), {{"model.activation", node("tanh")},
                                    {"model.recurrent_initializer.name", node("orthogonal")}}));
  for (std::size_t lag = 1; lag < kSteps; ++lag) EXPECT_LT(values[lag], values[lag - 1]);
}

TEST(StateGradientTest, IsThereForEveryKindOfCell) {
  for (const char* kind : {"rnn", "lstm", "gru"}) {
    for (const double value : at_start(run_of(kind))) EXPECT_GT(value, 0) << kind;
  }
}

TEST(StateGradientTest, OfStackedLayersIsThatOfTheTopmost) {
  for (const double value : at_start(with(run_of("rnn"), {{"model.depth", node(2)}}))) {
    EXPECT_GT(value, 0);
  }
}

TEST(StateGradientTest, IsUndefinedWithoutARecurrentLayer) {
  const RunRecord record = trained(with(small_run(), {{"probes.state_gradient.every", node(1)}}));
  for (const double value : metric(record, "state_gradient")) EXPECT_TRUE(std::isnan(value));
}

// Where each step has a target, the loss at the last one alone: a sum over all would not fall by rho.
TEST(StateGradientTest, IsThatOfTheLastStepWhereEachStepHasATarget) {
  constexpr double kRho = 0.8;
  const std::vector<Setting> settings = {{"data.name", node("copy_memory")},
                                         {"data.delay", node(3)},
                                         {"data.train", node(50)},
                                         {"model.kind", node("rnn")},
                                         {"model.width", node(5)},
                                         {"model.activation", node("linear")},
                                         {"model.precision", node("float64")},
                                         {"model.recurrent_initializer.name", node("identity")},
                                         {"model.recurrent_initializer.gain", node(kRho)},
                                         {"train.batch", node(5)},
                                         {"train.steps", node(1)}};
  const RunRecord record = trained(with(settings, {{"probes.state_gradient.every", node(1)}}));
  const std::vector<double>& values = metric(record, "state_gradient");
  const auto lags = static_cast<std::size_t>(record.n_lags);
  EXPECT_GT(lags, 20U);
  EXPECT_GT(values[0], 0);
  for (std::size_t lag = 1; lag < lags; ++lag) {
    EXPECT_NEAR(std::log(values[lag] / values[0]), static_cast<double>(lag) * std::log(kRho),
                kExact);
  }
  EXPECT_EQ(record.digest, trained(settings).digest);
}

}  // namespace
}  // namespace plumbline
