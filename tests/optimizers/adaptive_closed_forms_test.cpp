// SPDX-License-Identifier: Apache-2.0
// Rules that divide by a measure of the gradients' size, where their steps are known exactly.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include "tests/optimizers/driven.hpp"

namespace plumbline {
namespace {

// A few steps of about ten roundings of 1.1e-16 each, relative to the steps.
constexpr double kTolerance = 1e-14;
// So small that it is lost beside any number of these tests.
constexpr double kNoEpsilon = 1e-300;

void expect_path(const char* name, const SettingsTable& settings,
                 const std::vector<double>& gradients, const std::vector<double>& expected) {
  const std::vector<double> w = path(name, settings, gradients);
  ASSERT_EQ(w.size(), expected.size());
  for (std::size_t t = 0; t < w.size(); ++t) {
    EXPECT_NEAR(w[t], expected[t], kTolerance * std::abs(expected[t])) << "step " << t + 1;
  }
}

TEST(AdaGrad, SlowsAsOneOverTheRootOfTheStep) {
  std::vector<double> expected;
  double sum = 0;
  for (int t = 1; t <= 20; ++t) expected.push_back(-0.5 * (sum += 1 / std::sqrt(t)));
  expect_path("adagrad", table_of({{"lr", 0.5}}), std::vector<double>(20, 1e5), expected);
}

TEST(AdaGrad, StartsItsSumWhereItIsTold) {
  // 1 / sqrt(3 + 1).
  expect_path("adagrad", table_of({{"lr", 1.0}, {"initial_accumulator", 3.0}, {"epsilon", 1e-300}}),
              {1}, {-0.5});
}

TEST(AdaGrad, HasEpsilonOutsideTheRoot) {
  expect_path("adagrad", table_of({{"lr", 1.0}, {"epsilon", 3.0}}), {1}, {-0.25});
}

TEST(RmsProp, HasEpsilonWhereItIsTold) {
  const Written all[] = {{"lr", 1.0}, {"decay", 0.0}, {"epsilon", 3.0}};
  expect_path("rmsprop", table_of({all[0], all[1], all[2]}), {1}, {-1.0 / (1 + 3)});
  expect_path("rmsprop", table_of({all[0], all[1], all[2], {"epsilon_place", "inside"}}), {1},
              {-1 / std::sqrt(1.0 + 3)});
}

TEST(RmsProp, CorrectsNoBias) {
  // v = 1 - decay^t.
  expect_path("rmsprop", table_of({{"lr", 1.0}, {"decay", 0.75}, {"epsilon", kNoEpsilon}}), {1, 1},
              {-2, -2 - 1 / std::sqrt(1 - 0.5625)});
}

TEST(RmsProp, SumsItsStepsInTheMomentum) {
  // Without decay each quotient is 1: buffers of 1, 1.5, 1.75.
  const SettingsTable settings =
      table_of({{"lr", 1.0}, {"decay", 0.0}, {"epsilon", kNoEpsilon}, {"momentum", 0.5}});
  expect_path("rmsprop", settings, {7, 7, 7}, {-1, -2.5, -4.25});
}

TEST(RmsProp, CenteredDividesByTheVariance) {
  // At a constant gradient 1 the mean is 1 - q and the square's is 1 - q, with q = decay^t, so the
  // variance is q (1 - q).
  SettingsTable settings = table_of({{"lr", 1.0}, {"decay", 0.5}, {"epsilon", kNoEpsilon}});
  settings.set("centered", {true, {}});
  std::vector<double> expected;
  double sum = 0;
  for (int t = 1; t <= 10; ++t) {
    const double q = std::pow(0.5, t);
    expected.push_back(-(sum += 1 / std::sqrt(q * (1 - q))));
  }
  expect_path("rmsprop", settings, std::vector<double>(10, 1), expected);
}

TEST(RmsProp, CenteredStaysFiniteWhereTheVarianceVanishes) {
  // The difference of the two means rounds below zero at step 327.
  SettingsTable settings = table_of({{"decay", 0.9}});
  settings.set("centered", {true, {}});
  for (const double w : path("rmsprop", settings, std::vector<double>(2000, 3.3))) {
    ASSERT_TRUE(std::isfinite(w));
  }
}

TEST(AmsGrad, DividesByTheLargestMeanSquareSoFar) {
  // v = 2, then 1 + 0.5: the step stays divided by sqrt(2).
  const SettingsTable settings =
      table_of({{"lr", 1.0}, {"beta1", 0.0}, {"beta2", 0.5}, {"epsilon", kNoEpsilon}});
  expect_path(
      "amsgrad", settings, {2, 1, 0},
      {-std::sqrt(2.0), -std::sqrt(2.0) - std::sqrt(0.5), -std::sqrt(2.0) - std::sqrt(0.5)});
}

TEST(AmsGrad, CorrectsBiasWhereItIsTold) {
  SettingsTable settings = table_of({{"lr", 0.5}, {"epsilon", kNoEpsilon}});
  settings.set("bias_correction", {true, {}});
  expect_path("amsgrad", settings, {3, 3, 3}, {-0.5, -1, -1.5});
}

TEST(AdaDelta, StartsByTheRootOfEpsilon) {
  // d1 = sqrt(3) / sqrt(0.5 * 2 + 3); then u = 0.5 d1^2 and v = 0.5 * 1 + 0.5 * 2 = 1.5.
  const double d1 = std::sqrt(2.0) * std::sqrt(3.0) / 2;
  const double d2 = std::sqrt(2.0) * std::sqrt(0.5 * d1 * d1 + 3) / std::sqrt(1.5 + 3);
  expect_path("adadelta", table_of({{"rho", 0.5}, {"epsilon", 3.0}, {"lr", 0.5}}),
              {std::sqrt(2.0), std::sqrt(2.0)}, {-0.5 * d1, -0.5 * (d1 + d2)});
}

TEST(AdaMax, DividesByTheDecayingLargestGradient) {
  // u = 4 + 1, then 2.5 against 1 + 1, then 1.25 against 2 + 1; without a mean m = g.
  const SettingsTable settings =
      table_of({{"lr", 1.0}, {"beta1", 0.0}, {"beta2", 0.5}, {"epsilon", 1.0}});
  expect_path("adamax", settings, {4, 1, 2}, {-0.8, -1.2, -1.2 - 2.0 / 3});
}

TEST(AdaMax, CorrectsTheBiasOfTheMean) {
  expect_path("adamax", table_of({{"lr", 0.5}, {"epsilon", kNoEpsilon}}), {3, 3, 3},
              {-0.5, -1, -1.5});
}

TEST(RAdam, GoesByTheMeanUntilRhoPassesFour) {
  // rho_4 = 3.997 and rho_5 = 4.996 at beta2 = 0.999, where r_5 is, in 40 digits rounded to 17:
  constexpr double kR5 = 0.017311503166379564;
  constexpr double kG = 3;
  const std::vector<double> w =
      path("radam", table_of({{"lr", 1.0}, {"epsilon", kNoEpsilon}}), std::vector<double>(5, kG));
  for (std::size_t t = 0; t < 4; ++t) {
    EXPECT_NEAR(w[t], -kG * static_cast<double>(t + 1), 1e-14 * kG * 4) << t;
  }
  // Five roundings of w = 12, 1.8e-15 each. With 1 - beta2^t from pow() the step would be off by
  // 3.7e-12 of itself, 6.4e-14.
  EXPECT_NEAR(w[4] - w[3], -kR5, 1e-14);
}

TEST(RAdam, NeverDividesWhereTheAverageStaysShort) {
  // rho_inf = 3 at beta2 = 0.5.
  expect_path("radam", table_of({{"lr", 1.0}, {"beta1", 0.0}, {"beta2", 0.5}}),
              {3, 5, 7, 9, 11, 13}, {-3, -8, -15, -24, -35, -48});
}

TEST(AdaBelief, DividesByTheDeviationFromTheMean) {
  // m = 0.5, s = 0.5 * 0.25, both corrected by 1 - 0.5; then m = 0.75, s = 0.0625 + 0.5 * 0.0625.
  const SettingsTable settings =
      table_of({{"lr", 1.0}, {"beta1", 0.5}, {"beta2", 0.5}, {"epsilon", kNoEpsilon}});
  expect_path("adabelief", settings, {1, 1}, {-2, -2 - 1 / std::sqrt(0.09375 / 0.75)});
}

TEST(AdaBelief, HasEpsilonInTheMeanAndOutsideTheRoot) {
  // Without a mean there is no deviation: s = epsilon, s_hat = epsilon / (1 - beta2).
  const SettingsTable settings =
      table_of({{"lr", 1.0}, {"beta1", 0.0}, {"beta2", 0.75}, {"epsilon", 0.25}});
  expect_path("adabelief", settings, {5}, {-5 / (1 + 0.25)});
}

TEST(AdaBound, IsAdamWhileTheBoundsAreWide) {
  // epsilon is added to the uncorrected root, which makes no difference at 1e-300.
  const SettingsTable bound =
      table_of({{"gamma", 1e-9}, {"final_lr", 1e-3}, {"epsilon", kNoEpsilon}, {"lr", 0.25}});
  const std::vector<double> gradients = {1, -3, 0.2, 5};
  expect_path("adabound", bound, gradients,
              path("adam", table_of({{"lr", 0.25}, {"epsilon", kNoEpsilon}}), gradients));
}

TEST(AdaBound, IsMomentumOnceTheBoundsHaveClosed) {
  // Both bounds are final_lr to 1e-16: w <- w - final_lr m, with m = 1, 1.5, 1.75.
  const SettingsTable closed =
      table_of({{"gamma", 1e16}, {"final_lr", 0.25}, {"lr", 1e3}, {"beta1", 0.5}});
  expect_path("adabound", closed, {2, 2, 2}, {-0.25, -0.625, -1.0625});
}

TEST(AdaBound, BoundsAreThoseOfThePaper) {
  // At gamma = 1 and t = 1 from final_lr / 2 to 2 final_lr; without a mean m = g.
  const auto first = [](double lr) {
    return path("adabound", table_of({{"gamma", 1}, {"final_lr", 0.25}, {"lr", lr}, {"beta1", 0}}),
                {1})[0];
  };
  EXPECT_NEAR(first(1e-3), -0.125, kTolerance);
  EXPECT_NEAR(first(1e3), -0.5, kTolerance);
}

TEST(AdaBound, SlowsByTheRootOfTheStepInThePaperForm) {
  SettingsTable closed = table_of({{"gamma", 1e16}, {"final_lr", 0.25}, {"beta1", 0.0}});
  closed.set("bias_correction", {false, {}});
  expect_path("adabound", closed, {4, 4}, {-1, -1 - 1 / std::sqrt(2.0)});
}

TEST(AdaBound, AScheduleMultipliesBothRates) {
  const SettingsTable settings = table_of({{"gamma", 1.0}, {"beta1", 0.0}, {"lr", 0.05}});
  Driven whole("adabound", settings, {0});
  Driven half("adabound", settings, {0});
  for (const double g : {0.1, 1.0, 100.0}) {
    whole.step({g});
    half.step({g}, 0.5);
  }
  EXPECT_EQ(half.w[0], whole.w[0] / 2);
}

TEST(Yogi, AddsAndTakesOffSquares) {
  // v = 0 + 0.5 * 4, then 2 - 0.5 * 1, where Adam would have 2 / 2 + 0.5 * 1 too; then it stays.
  const SettingsTable settings = table_of({{"lr", 1.0},
                                           {"beta1", 0.0},
                                           {"beta2", 0.5},
                                           {"epsilon", kNoEpsilon},
                                           {"initial_accumulator", 0.0}});
  const double w1 = -2 / std::sqrt(2.0);
  const double w2 = w1 - 1 / std::sqrt(1.5);
  const double w3 = w2 - 0.5 / std::sqrt(1.5 - 0.125);
  expect_path("yogi", settings, {2, 1, 0.5, 0}, {w1, w2, w3, w3});
}

TEST(Yogi, KeepsItsSecondMomentAtAGradientOfItsRoot) {
  // sign(0) = 0: v stays at 4.
  const SettingsTable settings = table_of(
      {{"lr", 1.0}, {"beta1", 0.0}, {"epsilon", kNoEpsilon}, {"initial_accumulator", 4.0}});
  expect_path("yogi", settings, {2, -2, 2}, {-1, 0, -1});
}

TEST(Yogi, CorrectsBiasWhereItIsTold) {
  SettingsTable settings =
      table_of({{"lr", 0.5}, {"epsilon", kNoEpsilon}, {"initial_accumulator", 0.0}});
  settings.set("bias_correction", {true, {}});
  expect_path("yogi", settings, {3}, {-0.5});
}

TEST(Adan, FirstStepIsTheLearningRateAgainstTheSign) {
  expect_path("adan", table_of({{"lr", 0.5}, {"epsilon", kNoEpsilon}, {"weight_decay", 0.0}}),
              {3, 3, 3}, {-0.5, -1, -1.5});
}

TEST(Adan, LooksAheadByTheDifferenceOfGradients) {
  // d = 2, m = 2, v = 2, n = 0.5 + 0.5 * (3 + 0.5 * 2)^2.
  const SettingsTable settings = table_of({{"lr", 1.0},
                                           {"beta1", 0.5},
                                           {"beta2", 0.5},
                                           {"beta3", 0.5},
                                           {"epsilon", kNoEpsilon},
                                           {"weight_decay", 0.0}});
  expect_path("adan", settings, {1, 3}, {-1, -1 - 3 / std::sqrt(8.5)});
}

TEST(Adan, DecaysByAQuotient) {
  Driven driven("adan", table_of({{"lr", 0.5}, {"weight_decay", 0.5}}), {10});
  driven.step({0});
  EXPECT_EQ(driven.w[0], 8);
  driven.step({0}, 0.0);
  EXPECT_EQ(driven.w[0], 8);
}

TEST(Adopt, DividesByTheGradientsBefore) {
  // Not at all at first; then by |g_1| = 2, though g_2 is 1.
  SettingsTable settings = table_of({{"lr", 1.0}, {"beta1", 0.0}, {"beta2", 0.0}});
  settings.set("clip", {false, {}});
  expect_path("adopt", settings, {2, 1, 3, 3}, {0, -0.5, -3.5, -4.5});
}

TEST(Adopt, ClipsAtTheFourthRootOfTheStep) {
  // Quotients of 3 and 1e3 against 1 and 2^(1/4), and of -1e3 against 3^(1/4).
  const SettingsTable settings = table_of({{"lr", 1.0}, {"beta1", 0.0}, {"beta2", 0.0}});
  const double w3 = -1 - std::pow(2, 0.25);
  expect_path("adopt", settings, {1, 3, 3e3, -3e6}, {0, -1, w3, w3 + std::pow(3, 0.25)});
}

TEST(Adopt, DividesByNoLessThanEpsilon) {
  expect_path("adopt", table_of({{"lr", 1.0}, {"beta1", 0.0}, {"epsilon", 0.5}}), {0, 0.25},
              {0, -0.5});
}

TEST(Nadam, FirstStepWeighsTheGradientAndTheNextMomentum) {
  // With psi = 0 the momentum is mu = beta1 / 2 throughout: m = (1 - mu) g, and
  // m_hat = mu (1 - mu) g / (1 - mu^2) + g. At mu = 0.25: 0.2 + 1. v_hat = g^2.
  expect_path("nadam",
              table_of({{"lr", 1.0}, {"beta1", 0.5}, {"psi", 0.0}, {"epsilon", kNoEpsilon}}), {3},
              {-1.2});
}

TEST(Nadam, RaisesTheMomentumFromHalfOfBeta1) {
  // 0.96^(t psi) is 2^-t: mu_1 = 0.375, mu_2 = 0.4375.
  const double psi = std::log(0.5) / std::log(0.96);
  const double expected = 0.4375 * 0.625 / (1 - 0.375 * 0.4375) + 1;
  expect_path("nadam",
              table_of({{"lr", 1.0}, {"beta1", 0.5}, {"psi", psi}, {"epsilon", kNoEpsilon}}), {3},
              {-expected});
}

TEST(Nadam, AveragesByTheMomentumOfTheStep) {
  // With psi = 0 and mu = 0.25: m = 0.75, then 0.1875 of it, corrected by 1 - 0.25^3. At the second
  // step v_hat is beta2 / (1 + beta2) of the first square, beta2 = 0.5.
  const double m_hat = 0.25 * 0.1875 / (1 - 0.015625);
  expect_path(
      "nadam",
      table_of(
          {{"lr", 1.0}, {"beta1", 0.5}, {"beta2", 0.5}, {"psi", 0.0}, {"epsilon", kNoEpsilon}}),
      {1, 0}, {-1.2, -1.2 - m_hat * std::sqrt(3.0)});
}

TEST(AdEMAMix, AddsTheSlowMeanUncorrected) {
  // At a constant gradient m2 = (1 - beta3^t) g: steps of 1 + 2 (1 - 0.75^t).
  const SettingsTable settings =
      table_of({{"lr", 1.0}, {"beta3", 0.75}, {"alpha", 2.0}, {"epsilon", kNoEpsilon}});
  expect_path("ademamix", settings, {3, 3}, {-1.5, -1.5 - 1.875});
}

TEST(AdEMAMix, WarmsUpAlphaAndTheHalfLifeOfTheSlowMean) {
  // At half the warm-up alpha is half of 4, and 1 / ln beta3 is half way from that of beta1, -1 / (2
  // ln 2), to that of the end, -1 / ln 2: ln beta3_1 = -4/3 ln 2.
  const SettingsTable settings = table_of({{"lr", 1.0},
                                           {"beta1", 0.25},
                                           {"beta3", 0.5},
                                           {"alpha", 4.0},
                                           {"warmup_steps", 2},
                                           {"epsilon", kNoEpsilon}});
  const double beta3 = std::pow(2, -4.0 / 3);
  const double m2 = 1 - beta3;
  const double w1 = -(1 + 2 * m2);
  expect_path("ademamix", settings, {1, 1}, {w1, w1 - (1 + 4 * (0.5 * m2 + 0.5))});
}

TEST(Prodigy, GrowsItsStepByTheDistanceCome) {
  // Two steps by d0, each of d0 / sqrt(1 - beta2) |g| over the root of v; then d is
  // (1 - q) <g, w0 - w> / |s|_1 over the weights 1 and q of two equal gradients, q = sqrt(beta2).
  constexpr double kD0 = 1e-3;
  constexpr double kBeta2 = 0.25;
  const SettingsTable settings =
      table_of({{"d0", kD0}, {"beta1", 0.0}, {"beta2", kBeta2}, {"epsilon", kNoEpsilon}});
  const double first = kD0 / std::sqrt(1 - kBeta2);
  const double second = kD0 / std::sqrt(1 - kBeta2 * kBeta2);
  // r = 0.5 d0^2 |g| first, |s|_1 = 0.5 d0^2 |g| (1 + 0.5), so that d = first / 1.5, below d0: d0
  // stays. Then r = d0^2 |g| (0.25 first + 0.5 (first + second)), |s|_1 = d0^2 |g| 0.5 (1.75).
  const double d = (0.75 * first + 0.5 * second) / 0.875;
  ASSERT_GT(d, kD0);
  const double v = 0.75 * (kBeta2 * (kBeta2 + 1) * kD0 * kD0 + kD0 * kD0);
  const double third = kD0 * kD0 / std::sqrt(v);
  const double v4 = kBeta2 * v + 0.75 * d * d;
  const double fourth = d * d / std::sqrt(v4);
  expect_path("prodigy", settings, {7, 7, 7, 7},
              {-first, -first - second, -first - second - third, -first - second - third - fourth});
}

TEST(Prodigy, MeasuresTheDistanceOfAllParametersTogether) {
  // d = <g, w0 - w> / |s|_1: four equal parameters have four times both, so they move like one.
  const SettingsTable settings = table_of({{"d0", 1e-2}});
  Driven one("prodigy", settings, {0});
  Driven four("prodigy", settings, {0, 0, 0, 0});
  // Beside one that no gradient moves, as well.
  Driven beside("prodigy", settings, {0, 5});
  for (int t = 0; t < 20; ++t) {
    one.step({2});
    four.step({2, 2, 2, 2});
    beside.step({2, 0});
  }
  // Far more than twenty steps by d0 sum up to: d has grown.
  EXPECT_LT(one.w[0], -10);
  for (const double w : four.w) EXPECT_NEAR(w, one.w[0], 1e-12 * std::abs(one.w[0]));
  EXPECT_EQ(beside.w, (std::vector<double>{one.w[0], 5}));
}

}  // namespace
}  // namespace plumbline
