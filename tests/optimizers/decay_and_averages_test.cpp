// SPDX-License-Identifier: Apache-2.0
// Nesterov's momentum, decoupled decay, masks and averages in closed form.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/optimizers/driven.hpp"

namespace plumbline {
namespace {

// A few steps of about ten roundings of 1.1e-16 each, relative to numbers of about 1.
constexpr double kTolerance = 1e-14;

TEST(Nesterov, IsAHeavyBallWithLessMomentumOnAQuadratic) {
  // With a = lr h: w_t+1 = (1 - a) (1 + mu) w_t - mu (1 - a) w_t-1, w_0 = 1, w_1 = 1 - a (1 + mu).
  for (const double lr : {0.02, 0.15}) {
    constexpr double kCurvature = 5;
    constexpr double kMu = 0.9;
    const double a = lr * kCurvature;
    const std::complex<double> middle = (1 - a) * (1 + kMu);
    const std::complex<double> root = std::sqrt(middle * middle - 4 * kMu * (1 - a));
    const std::complex<double> r1 = (middle + root) / 2.0;
    const std::complex<double> r2 = (middle - root) / 2.0;
    const std::complex<double> share = (1 - a * (1 + kMu) - r2) / (r1 - r2);
    Driven driven("nesterov", table_of({{"lr", lr}, {"momentum", kMu}}), {1});
    for (int t = 1; t <= 50; ++t) {
      driven.step({kCurvature * driven.w[0]});
      const double expected = (share * std::pow(r1, t) + (1.0 - share) * std::pow(r2, t)).real();
      // 50 steps of five roundings each.
      EXPECT_NEAR(driven.w[0], expected, 5e-14) << lr << ", step " << t;
    }
  }
}

TEST(Nesterov, WithoutMomentumIsGradientDescent) {
  const std::vector<double> gradients = {1, -3, 0.2, 5};
  EXPECT_EQ(path("nesterov", table_of({{"lr", 0.03}, {"momentum", 0.0}}), gradients),
            path("sgd", table_of({{"lr", 0.03}}), gradients));
}

TEST(Nesterov, KeepsItsVelocityWhenTheScheduleChanges) {
  Driven driven("nesterov", table_of({{"lr", 0.5}, {"momentum", 0.5}}), {0});
  driven.step({-2});
  EXPECT_EQ(driven.w[0], 1.5);
  driven.step({-2}, 0.0);
  EXPECT_EQ(driven.w[0], 1.75);
}

// By what share each rule's decay takes off a weight without a gradient, in its two scales.
class EveryDecoupledDecay : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Names, EveryDecoupledDecay,
                         testing::Values("adamw", "nadamw", "cautious_adamw"));

TEST_P(EveryDecoupledDecay, TakesOffItsShareAndTheScheduleActsOnIt) {
  const auto after = [](const char* scale) {
    Driven driven(GetParam().c_str(),
                  table_of({{"lr", 0.5}, {"weight_decay", 0.25}, {"decay_scale", scale}}), {1});
    driven.step({0});
    driven.step({0}, 0.5);
    driven.step({0}, 0.0);
    return driven.w[0];
  };
  EXPECT_EQ(after("schedule"), (1 - 0.25) * (1 - 0.125));
  EXPECT_EQ(after("lr"), (1 - 0.125) * (1 - 0.0625));
}

TEST_P(EveryDecoupledDecay, TakesItsShareOfTheWeightBeforeTheStep) {
  // Step and decay add up: with a decay of the whole weight only the step is left.
  const SettingsTable whole = table_of({{"weight_decay", 1.0}, {"decay_scale", "schedule"}});
  const SettingsTable none = table_of({{"weight_decay", 0.0}});
  Driven decayed(GetParam().c_str(), whole, {8});
  Driven free(GetParam().c_str(), none, {0});
  decayed.step({3});
  free.step({3});
  // One rounding of the sum of 8 and the step.
  EXPECT_NEAR(decayed.w[0], free.w[0], 1e-15);
}

TEST(AdamW, WithoutDecayIsAdam) {
  const std::vector<double> gradients = {1, -3, 0.2, 5, -1e-3};
  EXPECT_EQ(path("adamw", table_of({{"lr", 0.03}, {"weight_decay", 0.0}}), gradients),
            path("adam", table_of({{"lr", 0.03}}), gradients));
}

TEST(NadamW, WithoutDecayIsNadam) {
  const std::vector<double> gradients = {1, -3, 0.2, 5, -1e-3};
  EXPECT_EQ(path("nadamw", table_of({{"lr", 0.03}, {"weight_decay", 0.0}}), gradients),
            path("nadam", table_of({{"lr", 0.03}}), gradients));
}

TEST(AdEMAMix, WithoutTheSlowMeanIsAdamWWithLrInTheDecay) {
  const std::vector<double> gradients = {1, -3, 0.2, 5, -1e-3};
  const std::vector<double> mixed =
      path("ademamix", table_of({{"lr", 0.3}, {"weight_decay", 0.5}, {"alpha", 0.0}}), gradients);
  const std::vector<double> adamw = path(
      "adamw", table_of({{"lr", 0.3}, {"weight_decay", 0.5}, {"decay_scale", "lr"}}), gradients);
  for (std::size_t t = 0; t < mixed.size(); ++t) EXPECT_NEAR(mixed[t], adamw[t], kTolerance) << t;
}

TEST(CautiousAdamW, MovesOnlyWhereTheStepAgreesWithTheGradient) {
  const SettingsTable settings = table_of(
      {{"lr", 0.5}, {"beta1", 0.5}, {"beta2", 0.0}, {"epsilon", 1e-300}, {"weight_decay", 0.0}});
  Driven driven("cautious_adamw", settings, {0, 0, 0});
  // All but the one without a gradient agree with the first: steps of lr, times 3 / (2 + 1).
  driven.step({1, -1, 0});
  EXPECT_NEAR(driven.w[0], -0.5, kTolerance);
  EXPECT_NEAR(driven.w[1], 0.5, kTolerance);
  // m = 0.75 and -0.5 + ... = -0.25 + 0.2: the second goes on against its gradient and is masked.
  // Of three parameters one agrees: 3 / (1 + 1), and m_hat = 0.75 / 0.75.
  driven.step({1, 0.4, 0});
  EXPECT_NEAR(driven.w[0], -0.5 - 0.75, kTolerance);
  EXPECT_NEAR(driven.w[1], 0.5, kTolerance);
  EXPECT_EQ(driven.w[2], 0);
}

TEST(CautiousAdamW, ComparesSignsOfGradientsWhoseProductUnderflows) {
  Driven driven("cautious_adamw", table_of({{"lr", 0.5}, {"epsilon", 1e-300}}), {0});
  driven.step({1e-170});
  EXPECT_LT(driven.w[0], 0);
}

const std::vector<double> kGradients = {3, -1, 4, 1, -5, 9, 2, -6};

TEST(ScheduleFreeSgd, UniformAverageIsTheRunningMeanOfGradientDescent) {
  // z is gradient descent; x the mean of its points so far, the start among them; y between them.
  constexpr double kLr = 0.25;
  constexpr double kBeta = 0.75;
  Driven driven("schedule_free_sgd",
                table_of({{"lr", kLr}, {"beta", kBeta}, {"averaging", "uniform"}}), {2});
  EXPECT_EQ(driven.evaluated(), driven.w);
  double z = 2;
  double sum = z;
  for (std::size_t t = 0; t < kGradients.size(); ++t) {
    // The average counts every step alike, whatever the schedule says.
    const double factor = t % 2 == 0 ? 1 : 0.5;
    driven.step({kGradients[t]}, factor);
    z -= kLr * factor * kGradients[t];
    sum += z;
    const double x = sum / static_cast<double>(t + 2);
    EXPECT_NEAR(driven.evaluated()[0], x, kTolerance * 4) << t;
    EXPECT_NEAR(driven.w[0], (1 - kBeta) * z + kBeta * x, kTolerance * 4) << t;
  }
}

TEST(ScheduleFreeSgd, WeighsByTheSquareOfTheRate) {
  // A warm-up over 4 steps and factors: the mean of z with weights gamma^2.
  constexpr double kLr = 0.25;
  Driven driven("schedule_free_sgd", table_of({{"lr", kLr}, {"warmup_steps", 4}}), {2});
  double z = 2;
  double sum = 0;
  double weights = 0;
  for (std::size_t t = 0; t < kGradients.size(); ++t) {
    const double factor = t % 2 == 0 ? 1 : 0.5;
    driven.step({kGradients[t]}, factor);
    const double gamma = kLr * factor * std::min(1.0, static_cast<double>(t + 1) / 4);
    z -= gamma * kGradients[t];
    sum += gamma * gamma * z;
    weights += gamma * gamma;
    EXPECT_NEAR(driven.evaluated()[0], sum / weights, kTolerance * 4) << t;
  }
}

TEST(ScheduleFreeSgd, StaysWhereItIsWhileTheFactorIsZero) {
  Driven driven("schedule_free_sgd", {}, {0.1});
  driven.step({1}, 0.0);
  EXPECT_EQ(driven.w[0], 0.1);
  EXPECT_EQ(driven.evaluated()[0], 0.1);
}

TEST(ScheduleFreeSgd, DecaysWhereGradientsAreTaken) {
  // y stands half way between z and x, and each step decays by a share of it.
  const SettingsTable settings =
      table_of({{"lr", 0.5}, {"weight_decay", 1.0}, {"beta", 0.5}, {"averaging", "uniform"}});
  Driven driven("schedule_free_sgd", settings, {4});
  driven.step({0});
  // z = 4 - 0.5 * 4, x = (4 + 2) / 2.
  EXPECT_EQ(driven.evaluated()[0], 3);
  EXPECT_EQ(driven.w[0], 2.5);
  driven.step({0});
  // z = 2 - 0.5 * 2.5, x = (4 + 2 + 0.75) / 3.
  EXPECT_NEAR(driven.evaluated()[0], 2.25, kTolerance);
  EXPECT_NEAR(driven.w[0], 1.5, kTolerance);
}

TEST(ScheduleFreeAdamW, FirstStepIsTheLearningRateAgainstTheSign) {
  // sqrt(1 - beta2) cancels between the rate and the root, to the rounding of 1 - 0.999.
  Driven driven("schedule_free_adamw", table_of({{"lr", 0.5}, {"epsilon", 1e-300}}), {0, 0});
  driven.step({3, -1e-5});
  EXPECT_NEAR(driven.evaluated()[0], -0.5, kTolerance);
  EXPECT_NEAR(driven.evaluated()[1], 0.5, kTolerance);
  EXPECT_NEAR(driven.w[0], -0.5, kTolerance);
}

TEST(ScheduleFreeAdamW, CountsStepsByTheSquareOfTheCorrectedRate) {
  // At a constant gradient each step is lr; gamma^2 is as 1 - beta2^t: 0.5, 0.75, 0.875.
  const SettingsTable settings = table_of({{"lr", 1.0}, {"beta2", 0.5}, {"epsilon", 1e-300}});
  Driven driven("schedule_free_adamw", settings, {0});
  for (int t = 0; t < 3; ++t) driven.step({7});
  const double x = -(0.5 * 1 + 0.75 * 2 + 0.875 * 3) / (0.5 + 0.75 + 0.875);
  EXPECT_NEAR(driven.evaluated()[0], x, kTolerance);
  EXPECT_NEAR(driven.w[0], 0.1 * -3 + 0.9 * x, kTolerance);
}

TEST(ScheduleFreeAdamW, HasEpsilonBesideTheUncorrectedRoot) {
  // sqrt(1 - beta2) / (sqrt(1 - beta2) + epsilon) with both 0.5.
  Driven driven("schedule_free_adamw", table_of({{"lr", 1.0}, {"beta2", 0.75}, {"epsilon", 0.5}}),
                {0});
  driven.step({1});
  EXPECT_NEAR(driven.evaluated()[0], -0.5, kTolerance);
}

TEST(ScheduleFreeAdamW, DecaysByTheCorrectedRate) {
  // gamma = 0.5 * sqrt(1 - 0.75).
  Driven driven("schedule_free_adamw",
                table_of({{"lr", 0.5}, {"beta2", 0.75}, {"weight_decay", 0.5}}), {8});
  driven.step({0});
  EXPECT_EQ(driven.evaluated()[0], 7);
}

}  // namespace
}  // namespace plumbline
