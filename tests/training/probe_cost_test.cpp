// SPDX-License-Identifier: Apache-2.0
// What probes add to RunConfiguration::cost(), against closed forms for a net of 64 inputs, 13 and 13 units
// and 10 outputs, and a batch of 32.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

constexpr double kBatch = 32;
constexpr double kFirst = (64 + 1) * 13;
constexpr double kOthers = (13 + 1) * 13 + (13 + 1) * 10;
constexpr double kParameters = kFirst + kOthers;
constexpr double kForward = 2 * kParameters;
/// Three products a layer, but the first layer needs no slopes in the data.
constexpr double kGradient = 6 * kOthers + 4 * kFirst;

std::vector<Setting> probed(const std::string& probe, int every,
                            const std::vector<Setting>& more = {}) {
  return with(with(small_run(), {{"probes." + probe + ".every", node(every)}}), more);
}

/// Operations that the probe adds to the run.
double added(const std::string& probe, int every, const std::vector<Setting>& more = {}) {
  std::vector<Setting> without;
  for (const Setting& setting : more) {
    if (!setting.first.starts_with("probes.")) without.push_back(setting);
  }
  return configured(probed(probe, every, more)).cost() -
         configured(with(small_run(), without)).cost();
}

/// The same for one measurement.
double one(const std::string& probe, const std::vector<Setting>& more = {}) {
  constexpr int kMeasurements = 31;  // at steps 0, 1, ..., 30
  return added(probe, 1, more) / kMeasurements;
}

/// Differences of a run's cost have its rounding.
void expect_same(double found, double expected) { EXPECT_NEAR(found, expected, 1e-9 * expected); }

double decomposition(double rows, double cols) {
  return 16 * rows * cols * (64 + std::min(rows, cols));
}

TEST(ProbeCostTest, IsThatOfEachMeasurement) {
  for (const char* probe : {"gradient_norm", "alpha", "sharpness"}) {
    EXPECT_GT(one(probe), 0) << probe;
    expect_same(added(probe, 10), 4 * one(probe));  // at steps 0, 10, 20, 30
    expect_same(added(probe, 30), 2 * one(probe));
  }
  expect_same(added("sharpness", 1, {{"budget.max_steps", node(9)}}), 10 * one("sharpness"));
}

TEST(ProbeCostTest, OfSharpnessIsThatOfItsProductsInDouble) {
  const std::vector<Setting> sgd = {{"optimizer.name", node("sgd")}};
  // Of at most 60 products 24 are expected; before each all vectors are looked at 4 times.
  constexpr double kProduct = 1.8 * kBatch * kGradient;
  constexpr double kLooks = 2 * 24 * 24 * 10 * kParameters;
  expect_same(one("sharpness", sgd), 24 * 2 * kProduct + kLooks);
  expect_same(one("sharpness"), 2 * (24 * 2 * kProduct + kLooks));  // adam has a second search
  expect_same(one("sharpness", with(sgd, {{"model.precision", node("float64")}})),
              24 * kProduct + kLooks);
  expect_same(one("sharpness", with(sgd, {{"probes.sharpness.iterations", node(10)},
                                          {"probes.sharpness.tolerance", node(0.0)},
                                          {"probes.sharpness.trace_samples", node(7)}})),
              17 * 2 * kProduct + 2 * 10 * 10 * 10 * kParameters);
  // Of more examples than a batch each product makes their gradients anew.
  expect_same(one("sharpness", with(sgd, {{"probes.sharpness.examples", node(160)}})),
              24 * 2 * 2.8 * 160 * kGradient + kLooks);
  expect_same(one("sharpness", with(sgd, {{"probes.sharpness.examples", node(1000)}})),
              24 * 2 * 2.8 * 200 * kGradient + kLooks);
}

TEST(ProbeCostTest, OfSharpnessIsMoreWhereNoCacheHoldsItsVectors) {
  constexpr double kWideFirst = (64 + 1) * 2000.0;
  constexpr double kWideOthers = (2000.0 + 1) * 2000 + (2000.0 + 1) * 10;
  expect_same(one("sharpness", {{"optimizer.name", node("sgd")}, {"model.width", node(2000)}}),
              24 * 2 * 1.8 * kBatch * (6 * kWideOthers + 4 * kWideFirst) +
                  2 * 24 * 24 * 60 * (kWideFirst + kWideOthers));
}

TEST(ProbeCostTest, OfSingleExamplesGradientsIsThatOfTheProductsThatTheyTake) {
  const double look = one("noise_scale");
  EXPECT_EQ(look, one("weight_norm")) << "any look at the net";
  expect_same(one("norm_test"), look + kBatch * kForward);
  expect_same(one("gsnr"), look + 2 * kBatch * kForward);  // in double
  expect_same(one("gsnr", {{"model.precision", node("float64")}}), look + kBatch * kForward);
  expect_same(one("alpha"), 2 * (look + kBatch * (kForward + kGradient)));
  // Each example by itself, where not all layers are dense.
  const double alone = one("noise_scale", {{"model.kind", node("highway")}});
  EXPECT_GT(alone, 2 * kBatch * kGradient);
}

TEST(ProbeCostTest, OfPassesIsThatOfTheirExamples) {
  const double look = one("weight_norm");
  expect_same(one("underflow"), look + 2 * kBatch * kGradient);
  expect_same(one("underflow", {{"model.precision", node("float64")}}), look);
  expect_same(one("correlation", {{"probes.correlation.pairs", node(50)}}), 100 * kForward);
  const auto of = [](int examples) {
    return one("activation_stats", {{"probes.activation_stats.examples", node(examples)}});
  };
  expect_same(of(200), 2 * of(100));
  expect_same(of(1000), of(200));  // all that there are
  EXPECT_GT(of(200), 200 * kForward);
  EXPECT_LT(of(200), 3 * 200 * kForward);
}

TEST(ProbeCostTest, OfDecompositionsIsThatOfTheMatrices) {
  const double of_weights = decomposition(13, 64) + decomposition(13, 13) + decomposition(10, 13);
  expect_same(one("effective_rank"),
              one("weight_norm") + 2 * decomposition(32, 13) + decomposition(32, 10) + of_weights);
  // Of an example: from the outputs back, and through each layer from each of its units.
  const double products = 10 * kGradient + 6.0 * 13 * 13 * (64 + 13) + 6.0 * 10 * 10 * 13;
  const double decompositions =
      decomposition(10, 64) + 2 * decomposition(10, 13) + decomposition(10, 10) + of_weights;
  expect_same(one("jacobian_spectrum"), 4 * (2 * products + decompositions));
  expect_same(one("jacobian_spectrum", {{"probes.jacobian_spectrum.examples", node(1)}}),
              2 * products + decompositions);
}

TEST(ProbeCostTest, IsNothingWhereTheProbeIsUndefined) {
  EXPECT_EQ(added("noise_scale", 1, {{"model.normalization", node("batch_norm")}}), 0);
}

// An rnn of 5 units over 8 steps: each has a gradient of its own.
TEST(ProbeCostTest, OfUnrolledLayersHoldsAProductAStep) {
  const auto cost = [](const char* probe) {
    return configured({{"data.name", node("adding_problem")},
                       {"data.steps", node(8)},
                       {"model.kind", node("rnn")},
                       {"model.depth", node(1)},
                       {"model.width", node(5)},
                       {"loss.name", node("mean_squared_error")},
                       {"train.batch", node(10)},
                       {"train.steps", node(1)},
                       {std::string("probes.") + probe + ".every", node(1)}})
        .cost();
  };
  expect_same(cost("gradient_norm") - cost("weight_norm"), 2 * 2.0 * 10 * 8 * 5 * 5);
}

}  // namespace
}  // namespace plumbline
