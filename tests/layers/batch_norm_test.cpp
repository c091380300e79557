// SPDX-License-Identifier: Apache-2.0
// How the running statistics of batch normalization move.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/layers/layer_run.hpp"

namespace plumbline {
namespace {

constexpr std::size_t kChannels = 3;
constexpr std::size_t kRows = 5;
constexpr double kMomentum = 0.25;
constexpr double kRounding = 1e-14;

class RunningStatisticsTest : public testing::Test {
 protected:
  RunningStatisticsTest()
      : run_({.name = "batch_norm",
              .settings = {{"momentum", node(kMomentum)}},
              .input = Shape::vector(kChannels),
              .batch = kRows}) {
    run_.layer->add_state(state_);
  }

  // Channel c of a batch has these values, whose mean is `shift` + c.
  void pass(double shift, const Pass& pass) {
    for (std::size_t i = 0; i < kRows; ++i) {
      for (std::size_t c = 0; c < kChannels; ++c) {
        run_.inputs()(i, c) =
            shift + static_cast<double>(c) + spread(shift) * (static_cast<double>(i) - 2);
      }
    }
    run_.layer->forward(run_.parameters, run_.inputs(), pass);
  }
  static double spread(double shift) { return 1 + shift; }
  // Of -2, -1, 0, 1, 2 times the spread, without bias: (4 + 1 + 0 + 1 + 4) / 4.
  static double variance(double shift) { return 2.5 * spread(shift) * spread(shift); }

  void expect_state(double shift_of_mean, double of_variance) {
    ASSERT_EQ(state_.size(), 1U);
    for (std::size_t c = 0; c < kChannels; ++c) {
      EXPECT_NEAR(state_[0][c], shift_of_mean + mean_[c], kRounding) << c;
      EXPECT_NEAR(state_[0][kChannels + c], of_variance, kRounding * of_variance) << c;
    }
  }

  LayerRun<double> run_;
  std::vector<std::span<double>> state_;
  std::vector<double> mean_ = {0, 1, 2};  // of a batch around 0
};

TEST_F(RunningStatisticsTest, StayWhereAPassOnlyLooks) {
  pass(3, {});
  mean_ = {0, 0, 0};
  expect_state(0, 1);
  pass(3, {.training = false, .statistics = RunningStatistics::follow});
  expect_state(0, 1);
}

TEST_F(RunningStatisticsTest, FollowTheBatchesOfTrainingByTheMomentum) {
  pass(3, {.statistics = RunningStatistics::follow});
  mean_ = {0, kMomentum, 2 * kMomentum};
  expect_state(kMomentum * 3, (1 - kMomentum) + kMomentum * variance(3));
}

TEST_F(RunningStatisticsTest, BecomeTheMeanOverBatches) {
  pass(8, {.statistics = RunningStatistics::follow});
  for (int i = 0; i < 4; ++i) pass(i, {.step = i, .statistics = RunningStatistics::average});
  expect_state(1.5, (variance(0) + variance(1) + variance(2) + variance(3)) / 4);
}

// Batches of a net that diverged leave infinities, and infinity times 0 would be NaN.
TEST_F(RunningStatisticsTest, ForgetAnInfinityWhereNothingOfItIsKept) {
  std::ranges::fill(state_[0], HUGE_VAL);
  pass(3, {.step = 0, .statistics = RunningStatistics::average});
  expect_state(3, variance(3));
}

TEST(DropoutTest, PassesOnWhatItIsGivenWhereTheNetIsUsed) {
  LayerRun<double> run({.name = "dropout", .input = Shape::vector(4), .pass = {.training = false}});
  std::vector<double> slopes(12);
  run.backward({}, {slopes.data(), 3, 4, 4});
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      EXPECT_EQ(run.forward()(i, j), run.inputs()(i, j));
      EXPECT_EQ(slopes[4 * i + j], run.slopes()(i, j));
    }
  }
}

}  // namespace
}  // namespace plumbline
