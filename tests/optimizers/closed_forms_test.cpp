// SPDX-License-Identifier: Apache-2.0
// Single optimizers where the whole trajectory, or its stability, is known in closed form.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/optimizers/optimizer.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

// 50 steps of three roundings of 1.1e-16 each, relative to the start.
constexpr double kTolerance = 5e-14;

std::unique_ptr<Optimizer<double>> optimizer(const char* name, const SettingsTable& settings,
                                             std::size_t parameters) {
  ParameterLayout layout;
  layout.add("w", 1, ParameterGroup::hidden, 1, parameters);
  return read_with(settings, [&](Settings& reader) {
    return optimizer_catalogue().find(name)->make_double(reader, layout);
  });
}

/// w after 0, ..., steps updates on L(w) = curvature w^2 / 2 from w = 1.
std::vector<double> descent(const char* name, const SettingsTable& settings, double curvature,
                            int steps) {
  const auto rule = optimizer(name, settings, 1);
  std::vector<double> w = {1};
  std::vector<double> path = w;
  for (int step = 1; step <= steps; ++step) {
    const std::vector<double> gradient = {curvature * w[0]};
    rule->step(w, gradient, {step, 1.0});
    path.push_back(w[0]);
  }
  return path;
}

TEST(Sgd, ShrinksAQuadraticByOneFactorAStep) {
  constexpr double kLr = 0.03;
  constexpr double kCurvature = 7;
  const std::vector<double> w = descent("sgd", table_of({{"lr", kLr}}), kCurvature, 50);
  for (int t = 0; t <= 50; ++t) {
    const double expected = std::pow(1 - kLr * kCurvature, t);
    EXPECT_NEAR(w[static_cast<std::size_t>(t)], expected, kTolerance * expected) << t;
  }
}

TEST(Sgd, IsStableUpToTwoOverTheCurvature) {
  constexpr double kCurvature = 4;
  constexpr double kEdge = 2 / kCurvature;
  // At the edge w changes its sign for ever; the numbers are powers of two, so nothing is rounded.
  EXPECT_EQ(std::abs(descent("sgd", table_of({{"lr", kEdge}}), kCurvature, 1000).back()), 1);
  // (1 + 2 * 1e-2)^1000 = 4e8.
  EXPECT_LT(std::abs(descent("sgd", table_of({{"lr", 0.99 * kEdge}}), kCurvature, 1000).back()),
            1e-8);
  EXPECT_GT(std::abs(descent("sgd", table_of({{"lr", 1.01 * kEdge}}), kCurvature, 1000).back()),
            1e8);
}

TEST(Sgd, KeepsNoState) { EXPECT_EQ(optimizer("sgd", {}, 34)->state_size(), 0U); }

/// Heavy ball on a quadratic: w_t+1 = (1 + mu - lr h) w_t - mu w_t-1, with w_0 = 1 and
/// w_1 = 1 - lr h, is a sum of powers of the two roots of r^2 - (1 + mu - lr h) r + mu.
double heavy_ball(double lr, double mu, double curvature, int t) {
  const std::complex<double> middle = 1 + mu - lr * curvature;
  const std::complex<double> root = std::sqrt(middle * middle - 4 * mu);
  const std::complex<double> r1 = (middle + root) / 2.0;
  const std::complex<double> r2 = (middle - root) / 2.0;
  const std::complex<double> share = (1 - lr * curvature - r2) / (r1 - r2);
  return (share * std::pow(r1, t) + (1.0 - share) * std::pow(r2, t)).real();
}

void expect_heavy_ball(double lr, double mu, double curvature) {
  const std::vector<double> w =
      descent("momentum", table_of({{"lr", lr}, {"momentum", mu}}), curvature, 50);
  for (int t = 0; t <= 50; ++t) {
    EXPECT_NEAR(w[static_cast<std::size_t>(t)], heavy_ball(lr, mu, curvature, t), kTolerance) << t;
  }
}

TEST(Momentum, FollowsTheClosedFormWhereItOscillates) { expect_heavy_ball(0.02, 0.9, 5); }

TEST(Momentum, FollowsTheClosedFormWhereItIsOverdamped) { expect_heavy_ball(0.01, 0.3, 5); }

TEST(Momentum, WithoutMomentumIsGradientDescent) {
  EXPECT_EQ(descent("momentum", table_of({{"lr", 0.03}, {"momentum", 0.0}}), 7, 20),
            descent("sgd", table_of({{"lr", 0.03}}), 7, 20));
}

TEST(Momentum, IsStableUpToTwoTimesOnePlusMuOverTheCurvature) {
  constexpr double kMu = 0.5;
  constexpr double kCurvature = 4;
  constexpr double kEdge = 2 * (1 + kMu) / kCurvature;
  const auto after = [](double lr) {
    const SettingsTable settings = table_of({{"lr", lr}, {"momentum", kMu}});
    return std::abs(descent("momentum", settings, kCurvature, 1000).back());
  };
  // At lr = (1 + d) edge the root near -1 is -1 - 2 d (1 + mu)/(1 - mu): with d = 1e-2 it grows by
  // 1.06 a step, and by far more than 1e8 in 1000.
  EXPECT_LT(after(0.99 * kEdge), 1e-8);
  EXPECT_GT(after(1.01 * kEdge), 1e8);
  // Plain gradient descent at this rate would be far beyond its own edge.
  EXPECT_GT(0.99 * kEdge, 2 / kCurvature);
}

TEST(Momentum, RollsOnByMuWithoutAGradient) {
  const auto rule = optimizer("momentum", table_of({{"lr", 0.5}, {"momentum", 0.5}}), 1);
  std::vector<double> w = {0};
  rule->step(w, std::vector<double>{-2}, {1, 1.0});
  EXPECT_EQ(w[0], 1);
  rule->step(w, std::vector<double>{0}, {2, 1.0});
  EXPECT_EQ(w[0], 1.5);
  rule->step(w, std::vector<double>{0}, {3, 1.0});
  EXPECT_EQ(w[0], 1.75);
}

TEST(Momentum, KeepsItsVelocityWhenTheScheduleChanges) {
  // lr stands inside the velocity: a factor acts on new gradients alone.
  const auto rule = optimizer("momentum", table_of({{"lr", 0.5}, {"momentum", 0.5}}), 1);
  std::vector<double> w = {0};
  rule->step(w, std::vector<double>{-2}, {1, 1.0});
  rule->step(w, std::vector<double>{-2}, {2, 0.0});
  EXPECT_EQ(w[0], 1.5);
}

TEST(Momentum, KeepsOneVelocityForEachParameter) {
  EXPECT_EQ(optimizer("momentum", {}, 34)->state_size(), 34U);
}

TEST(Adam, FirstStepIsTheLearningRateAgainstTheSign) {
  // m_hat = g and v_hat = g^2, so the step is lr g / (|g| + epsilon): short of lr by the share
  // epsilon / |g|, and rounded.
  constexpr double kLr = 0.25;
  constexpr double kEpsilon = 1e-8;
  constexpr double kRounding = 4e-15;
  const std::vector<double> gradient = {-1e3, -1.5, -1e-3, 1e-3, 0.7, 1e3};
  std::vector<double> w(gradient.size());
  const auto rule = optimizer("adam", table_of({{"lr", kLr}, {"epsilon", kEpsilon}}), w.size());
  rule->step(w, gradient, {1, 1.0});
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double step = std::copysign(kLr, -gradient[i]);
    EXPECT_NEAR(w[i], step, kLr * (kEpsilon / std::abs(gradient[i]) + kRounding)) << gradient[i];
  }
}

TEST(Adam, StepsByTheLearningRateUnderAConstantGradient) {
  // Both corrections are exact for a constant gradient, at every t.
  constexpr double kLr = 0.01;
  constexpr double kGradient = 3;
  const auto rule = optimizer("adam", table_of({{"lr", kLr}}), 1);
  std::vector<double> w = {0};
  for (int t = 1; t <= 100; ++t) {
    rule->step(w, std::vector<double>{kGradient}, {t, 1.0});
    // epsilon / g of each step, and t roundings of the averages.
    EXPECT_NEAR(w[0], -kLr * t, kLr * t * (1e-8 / kGradient + 1e-13)) << t;
  }
}

TEST(Adam, HasEpsilonOutsideTheRoot) {
  // With g = epsilon the step is lr / 2; inside the root it would be lr / sqrt(1 + 1 / g).
  constexpr double kTiny = 1e-8;
  const auto rule = optimizer("adam", table_of({{"lr", 1.0}, {"epsilon", kTiny}}), 1);
  std::vector<double> w = {0};
  rule->step(w, std::vector<double>{kTiny}, {1, 1.0});
  EXPECT_NEAR(w[0], -0.5, 1e-14);
}

TEST(Adam, GoesOnAfterTheLastGradientByItsMeans) {
  // With g = 1 and then 0: m_hat = beta1 / (1 + beta1), v_hat = beta2 / (1 + beta2).
  const SettingsTable settings =
      table_of({{"lr", 1.0}, {"beta1", 0.5}, {"beta2", 0.75}, {"epsilon", 1e-300}});
  const auto rule = optimizer("adam", settings, 1);
  std::vector<double> w = {0};
  rule->step(w, std::vector<double>{1}, {1, 1.0});
  EXPECT_NEAR(w[0], -1, 1e-15);
  rule->step(w, std::vector<double>{0}, {2, 1.0});
  EXPECT_NEAR(w[0], -1 - (0.5 / 1.5) / std::sqrt(0.75 / 1.75), 1e-15);
}

TEST(Adam, RefusesSettingsThatDivideByZero) {
  const SettingsTable given =
      table_of({{"lr", 0.0}, {"beta1", 1.0}, {"beta2", 1.0}, {"epsilon", 0.0}});
  SettingsReport report;
  Settings settings(given, "optimizer", report);
  optimizer_catalogue().find("adam")->make_double(settings, ParameterLayout());
  std::vector<std::string> messages;
  for (const Problem& problem : report.problems) messages.push_back(problem.message);
  EXPECT_EQ(messages, (std::vector<std::string>{"'optimizer.lr' is 0; allowed is > 0",
                                                "'optimizer.beta1' is 1; allowed is in [0, 1)",
                                                "'optimizer.beta2' is 1; allowed is in [0, 1)",
                                                "'optimizer.epsilon' is 0; allowed is > 0"}));
}

TEST(Adam, KeepsTwoMeansForEachParameter) {
  EXPECT_EQ(optimizer("adam", {}, 34)->state_size(), 68U);
}

}  // namespace
}  // namespace plumbline
