// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/profile/step_work.hpp"

#include <gtest/gtest.h>

#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

// The net 64-13-10 of the digits at batch 32 in float32: layer 1 has 13 x 64 = 832 weights and 13 biases,
// layer 2 10 x 13 = 130 and 10.
RunConfiguration shallow(const std::vector<Setting>& more = {}) {
  return configured(with(with(small_run(), {{"model.depth", node(1)}}), more));
}
constexpr std::size_t kParameters = 845 + 140;
constexpr std::size_t kAdamState = 2 * kParameters;
constexpr double kUnlimited = 1e9;

PhaseWork work_of(const StepWork& work, Phase phase, std::size_t layer = 0) {
  for (const PhaseWork& one : work.phases) {
    if (one.phase == phase && one.layer == layer) return one;
  }
  ADD_FAILURE() << "no " << to_string(phase) << ' ' << layer;
  return {};
}

TEST(StepWorkTest, HasThePhasesOfAStepInTheirOrder) {
  const StepWork work = step_work(shallow(), kAdamState, kUnlimited);
  const std::vector<std::pair<Phase, std::size_t>> expected = {
      {Phase::data, 0},     {Phase::forward, 1},  {Phase::forward, 2},  {Phase::loss, 0},
      {Phase::backward, 2}, {Phase::backward, 1}, {Phase::optimizer, 0}};
  ASSERT_EQ(work.phases.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(work.phases[i].phase, expected[i].first) << i;
    EXPECT_EQ(work.phases[i].layer, expected[i].second) << i;
  }
}

TEST(StepWorkTest, CountsOperationsByTheirClosedForms) {
  const StepWork work = step_work(shallow(), kAdamState, kUnlimited);
  EXPECT_EQ(work_of(work, Phase::data).flops, 0);
  EXPECT_EQ(work_of(work, Phase::forward, 1).flops, 2 * 32 * 832 + 32 * 13);
  EXPECT_EQ(work_of(work, Phase::forward, 2).flops, 2 * 32 * 130 + 32 * 10);
  EXPECT_EQ(work_of(work, Phase::loss).flops, 2 * 32 * 10);
  EXPECT_EQ(work_of(work, Phase::backward, 2).flops, 4 * 32 * 130 + 3 * 32 * 10);
  EXPECT_EQ(work_of(work, Phase::backward, 1).flops, 2 * 32 * 832 + 3 * 32 * 13);
  EXPECT_EQ(work_of(work, Phase::optimizer).flops, 2 * 985 * 3);
  // 200 + 50 examples in batches of 32.
  EXPECT_EQ(work.evaluation.flops, 250.0 / 32 * (2 * 32 * 962 + 32 * 23));
}

// 10 steps of 2 values, 5 units with 4 gates: 20 x (2 + 5) weights and 20 biases a step, of which one for
// each output counts as the activation's. Slopes go to the state 9 times, through 20 x 5 weights.
TEST(StepWorkTest, CountsTheSlopesInTheStateOfARecurrentFirstLayer) {
  const RunConfiguration run =
      configured(with(small_run(), {{"data.name", node("adding_problem")},
                                    {"data.steps", node(10)},
                                    {"model.kind", node("lstm")},
                                    {"model.depth", node(1)},
                                    {"model.width", node(5)},
                                    {"loss.name", node("mean_squared_error")}}));
  const StepWork work = step_work(run, 0, kUnlimited);
  constexpr double kWeights = 10 * 20 * (2 + 5 + 1) - 10 * 5;
  EXPECT_EQ(work_of(work, Phase::forward, 1).flops, 2 * 32 * kWeights + 32 * 50);
  EXPECT_EQ(work_of(work, Phase::backward, 1).flops, 2 * 32 * (kWeights + 9 * 100) + 3 * 32 * 50);
}

TEST(StepWorkTest, CountsBytesByTheirClosedForms) {
  const StepWork work = step_work(shallow(), kAdamState, kUnlimited);
  // In numbers of 4 bytes; the label of an example is one too.
  EXPECT_EQ(work_of(work, Phase::data).bytes, 4 * (32 * 65 + 32 * 64));
  EXPECT_EQ(work_of(work, Phase::forward, 1).bytes, 4 * (32 * 64 + 845 + 2 * 32 * 13));
  EXPECT_EQ(work_of(work, Phase::forward, 2).bytes, 4 * (32 * 13 + 140 + 2 * 32 * 10));
  EXPECT_EQ(work_of(work, Phase::loss).bytes, 4 * (32 * 10 + 32 * 10));
  EXPECT_EQ(work_of(work, Phase::backward, 2).bytes,
            4 * (2 * 32 * 10 + 2 * 32 * 10 + 32 * 13 + 140 + 140 + 32 * 13));
  EXPECT_EQ(work_of(work, Phase::backward, 1).bytes,
            4 * (2 * 32 * 13 + 2 * 32 * 13 + 32 * 64 + 845));
  EXPECT_EQ(work_of(work, Phase::optimizer).bytes, 4 * (2 * 985 + 985 + 2 * 1970));
  // Batch, parameters, gradient, state, pre-activations, outputs, error signals.
  EXPECT_EQ(work.working_set, 4 * (32 * 64 + 985 + 985 + 1970 + 3 * 32 * 23));
}

TEST(StepWorkTest, NumbersOfDoublePrecisionTakeTwice) {
  const RunConfiguration wide = shallow({{"model.precision", node("float64")}});
  const StepWork single = step_work(shallow(), kAdamState, kUnlimited);
  const StepWork twofold = step_work(wide, kAdamState, kUnlimited);
  EXPECT_EQ(twofold.working_set, 2 * single.working_set);
  EXPECT_EQ(work_of(twofold, Phase::optimizer).bytes, 2 * work_of(single, Phase::optimizer).bytes);
  EXPECT_EQ(work_of(twofold, Phase::forward, 1).flops, work_of(single, Phase::forward, 1).flops);
}

TEST(StepWorkTest, NothingIsBeyondACacheThatHoldsAll) {
  const StepWork work = step_work(shallow(), kAdamState, kUnlimited);
  for (const PhaseWork& one : work.phases) EXPECT_EQ(one.bytes_beyond_l2, 0);
}

TEST(StepWorkTest, EverythingIsBeyondNoCache) {
  const StepWork work = step_work(shallow(), kAdamState, 0);
  for (const PhaseWork& one : work.phases) EXPECT_EQ(one.bytes_beyond_l2, one.bytes);
}

TEST(StepWorkTest, WhatWasJustUsedIsNotBeyond) {
  // As large as the outputs of layer 1: they and those of layer 2, read right after they were written,
  // are still there, and nothing else is.
  constexpr double kOutputs1 = 4 * 32 * 13;
  constexpr double kOutputs2 = 4 * 32 * 10;
  const StepWork work = step_work(shallow(), kAdamState, kOutputs1);
  for (const PhaseWork& one : work.phases) {
    const double near = one.phase == Phase::forward && one.layer == 2 ? kOutputs1
                        : one.phase == Phase::loss                    ? kOutputs2
                                                                      : 0;
    EXPECT_EQ(one.bytes_beyond_l2, one.bytes - near) << to_string(one.phase) << one.layer;
  }
}

TEST(StepWorkTest, ActivationsOfTheirOwnShapeCountUnitsAndOutputs) {
  // crelu makes twice as many outputs as units, which layer 2 has as inputs.
  const StepWork work = step_work(
      shallow({{"model.activation", node("crelu")}, {"model.width", node(14)}}), 0, kUnlimited);
  const ParameterLayout layout = parameter_layout(
      shallow({{"model.activation", node("crelu")}, {"model.width", node(14)}}).model, 64, 10);
  const auto units = static_cast<double>(layout.tensors()[0].rows);
  const auto inputs = static_cast<double>(layout.tensors()[2].cols);
  EXPECT_EQ(inputs, 2 * units);
  EXPECT_EQ(work_of(work, Phase::forward, 1).bytes,
            4 * (32 * 64 + 65 * units + 32 * units + 32 * inputs));
  EXPECT_EQ(work_of(work, Phase::forward, 2).flops, 2 * 32 * 10 * inputs + 32 * 10);
}

}  // namespace
}  // namespace plumbline
