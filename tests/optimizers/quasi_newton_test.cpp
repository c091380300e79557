// SPDX-License-Identifier: Apache-2.0
// The strong Wolfe search, and L-BFGS over it.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/optimizers/line_search.hpp"
#include "tests/optimizers/driven.hpp"
#include "tests/optimizers/quadratic_objective.hpp"

namespace plumbline {
namespace {

/// phi(a) of several shapes, each with a minimum at a > 0, and what the search makes of it.
struct Line {
  const char* name;
  double (*value)(double);
  double (*slope)(double);
};

const std::vector<Line> kLines = {
    {"parabola", [](double a) { return (a - 3) * (a - 3); }, [](double a) { return 2 * (a - 3); }},
    {"More and Thuente's first", [](double a) { return -a / (a * a + 2); },
     [](double a) { return (a * a - 2) / ((a * a + 2) * (a * a + 2)); }},
    {"quartic", [](double a) { return std::pow(a - 1, 4) - a; },
     [](double a) { return 4 * std::pow(a - 1, 3) - 1; }},
    {"wiggles", [](double a) { return 0.1 * a * a - std::sin(a); },
     [](double a) { return 0.2 * a - std::cos(a); }},
};

TEST(StrongWolfe, HoldsFromAnyFirstStep) {
  const WolfeLimits limits{.c1 = 1e-4, .c2 = 0.1, .max_evaluations = 50};
  for (const Line& line : kLines) {
    for (const double first : {1e-6, 1e-3, 1.0, 1e3}) {
      const auto phi = [&line](double a) { return LinePoint{a, line.value(a), line.slope(a)}; };
      const LinePoint start = phi(0);
      const LinePoint found = strong_wolfe(phi, start, first, limits);
      EXPECT_GT(found.step, 0) << line.name << ' ' << first;
      EXPECT_LE(found.value, start.value + limits.c1 * found.step * start.slope)
          << line.name << ' ' << first;
      EXPECT_LE(std::abs(found.slope), -limits.c2 * start.slope) << line.name << ' ' << first;
    }
  }
}

TEST(StrongWolfe, TakesAFirstStepThatWillDo) {
  int calls = 0;
  const auto phi = [&calls](double a) {
    ++calls;
    return LinePoint{a, (a - 1) * (a - 1), 2 * (a - 1)};
  };
  EXPECT_EQ(strong_wolfe(phi, {0, 1, -2}, 0.75, {}).step, 0.75);
  EXPECT_EQ(calls, 1);
}

TEST(StrongWolfe, ComesBackFromWhereThereIsNoNumber) {
  // Beyond 1 the loss is NaN; the minimum is at 1/2.
  const auto phi = [](double a) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    return a > 1 ? LinePoint{a, nan, nan} : LinePoint{a, (a - 0.5) * (a - 0.5), 2 * a - 1};
  };
  const LinePoint found = strong_wolfe(phi, {0, 0.25, -1}, 64, {.c2 = 0.1});
  EXPECT_NEAR(found.step, 0.5, 0.05);
}

TEST(StrongWolfe, GivesUpAtTheStartAfterTheAllowedEvaluations) {
  int calls = 0;
  const auto phi = [&calls](double a) {
    ++calls;
    return LinePoint{a, 1 + a, -1};  // the slope lies: no step descends
  };
  EXPECT_EQ(strong_wolfe(phi, {0, 1, -1}, 1, {.max_evaluations = 7}).step, 0);
  EXPECT_EQ(calls, 7);
}

std::vector<double> spread_curvature(std::size_t n) {
  std::vector<double> curvature(n);
  for (std::size_t i = 0; i < n; ++i) curvature[i] = 1 + static_cast<double>(i);
  return curvature;
}

/// |gradient| after each step.
std::vector<double> descent(const SettingsTable& settings, std::size_t n, int steps,
                            double coupling = 0) {
  const auto optimizer = optimizer_for(one_tensor(1, n), "lbfgs", settings);
  QuadraticObjective<double> objective(spread_curvature(n), random_block(n, 3), coupling);
  std::vector<double> w = random_block(n, 0);
  std::vector<double> gradient(n);
  std::vector<double> norms;
  objective.gradient(w, gradient);
  for (int t = 1; t <= steps; ++t) {
    optimizer->step(w, gradient, {.step = t, .objective = &objective});
    objective.gradient(w, gradient);
    norms.push_back(norm(std::span<const double>(gradient)));
  }
  return norms;
}

TEST(Lbfgs, MinimizesAQuadraticInAboutAsManyStepsAsItHasDimensions) {
  // With exact searches it is conjugate gradients and needs n; the inexact ones cost some more.
  // Curvatures from 1 to 8: plain descent at its best rate shrinks the error by 7/9 a step.
  constexpr std::size_t kDimensions = 8;
  const std::vector<double> norms = descent({}, kDimensions, 2 * kDimensions);
  EXPECT_LT(norms.back(), 1e-6);
  EXPECT_GT(std::pow(7.0 / 9.0, 2 * kDimensions), 1e-2);
}

TEST(Lbfgs, MinimizesWithoutASearchToo) {
  const SettingsTable settings = table_of({{"line_search", "none"}, {"lr", 0.1}});
  // A first step of 0.1 g, and nine tenths of the way left after each later one: 0.9^100 = 3e-5.
  const std::vector<double> norms = descent(settings, 5, 150);
  EXPECT_LT(norms.back(), 1e-4);
}

TEST(Lbfgs, ConvergesFasterThanAnyGeometricSeriesOnACurvedLoss) {
  const std::vector<double> norms = descent({}, 4, 30, 0.5);
  EXPECT_LT(norms.back(), 1e-10);
}

TEST(Lbfgs, TakesTheExactNewtonStepInOneDimension) {
  // After one pair H = 1 / h: the second step of length 1 ends in the minimum.
  QuadraticObjective<double> objective({0.5}, {3});
  const auto optimizer =
      optimizer_for(one_tensor(1, 1), "lbfgs", table_of({{"line_search", "none"}}));
  std::vector<double> w = {7};
  std::vector<double> gradient(1);
  for (int t = 1; t <= 2; ++t) {
    objective.gradient(w, gradient);
    optimizer->step(w, gradient, {.step = t, .objective = &objective});
    EXPECT_NEAR(w[0], t == 1 ? 5 : 3, 1e-14);
  }
}

TEST(Lbfgs, ForgetsPairsBeyondItsHistory) {
  const std::vector<double> all = descent(table_of({{"history", 8}}), 8, 16);
  const std::vector<double> one = descent(table_of({{"history", 1}}), 8, 16);
  EXPECT_LT(all.back(), 1e-2 * one.back());
}

TEST(Lbfgs, StandsStillAtAMinimumAndAtFactorZero) {
  QuadraticObjective<double> objective({1, 2}, {3, 4});
  const auto optimizer = optimizer_for(one_tensor(1, 2), "lbfgs");
  std::vector<double> w = {3, 4};
  std::vector<double> gradient(2);
  objective.gradient(w, gradient);
  optimizer->step(w, gradient, {.step = 1, .objective = &objective});
  EXPECT_EQ(w, (std::vector<double>{3, 4}));
  w = {5, 6};
  objective.gradient(w, gradient);
  optimizer->step(w, gradient, {.step = 2, .schedule_factor = 0, .objective = &objective});
  EXPECT_EQ(w, (std::vector<double>{5, 6}));
}

TEST(Lbfgs, AsksNoMoreThanItMay) {
  QuadraticObjective<double> objective({1e6, 1}, {3, 4}, 10);
  const auto optimizer =
      optimizer_for(one_tensor(1, 2), "lbfgs", table_of({{"max_evaluations", 3}}));
  std::vector<double> w = {5, 6};
  std::vector<double> gradient(2);
  objective.gradient(w, gradient);
  objective.gradients = 0;
  optimizer->step(w, gradient, {.step = 1, .objective = &objective});
  // Three trials; one more where the best was not the last.
  EXPECT_LE(objective.gradients, 4);
  EXPECT_EQ(objective.losses, 1);
}

TEST(Lbfgs, CarriesNanOfAGradientIntoItsParameterAndGoesOn) {
  for (const char* search : {"strong_wolfe", "none"}) {
    QuadraticObjective<double> objective({1, 2, 3}, {3, 4, 5});
    const auto optimizer =
        optimizer_for(one_tensor(1, 3), "lbfgs", table_of({{"line_search", search}}));
    std::vector<double> w = {0, 0, 0};
    std::vector<double> gradient(3);
    for (int t = 1; t <= 3; ++t) {
      objective.gradient(w, gradient);
      if (t == 2) gradient[1] = std::numeric_limits<double>::quiet_NaN();
      optimizer->step(w, gradient, {.step = t, .objective = &objective});
    }
    EXPECT_TRUE(std::isnan(w[1]));
  }
}

TEST(Mars, WithoutVarianceReductionIsAdamWOfTheClippedGradient) {
  const ParameterLayout layout = one_tensor(1, 20);
  const auto mars = optimizer_for(layout, "mars",
                                  table_of({{"gamma", 0.0},
                                            {"gradient", "approximate"},
                                            {"beta1", 0.9},
                                            {"beta2", 0.999},
                                            {"lr", 1e-3}}));
  const auto clipped_adam = optimizer_for(layout, "clip_norm");
  EXPECT_EQ(driven(*mars, 20, 10), driven(*clipped_adam, 20, 10));
}

TEST(Mars, CorrectsByTheGradientAtTheLastParameters) {
  // One dimension, |c| < 1, beta1 = 1/2 and gamma = 1/2: c = g + (g - g') / 2. beta2 = 0 makes the
  // step lr m_hat / |c|.
  const SettingsTable settings =
      table_of({{"lr", 0.1}, {"beta1", 0.5}, {"beta2", 0.0}, {"gamma", 0.5}, {"epsilon", 1e-300}});
  const auto optimizer = optimizer_for(one_tensor(1, 1), "mars", settings);
  QuadraticObjective<double> first({0.1}, {0});
  QuadraticObjective<double> second({0.2}, {0});
  std::vector<double> w = {1};
  optimizer->step(w, std::vector<double>{0.1}, {.step = 1, .objective = &first});
  EXPECT_NEAR(w[0], 0.9, 1e-15);
  optimizer->step(w, std::vector<double>{0.18}, {.step = 2, .objective = &second});
  // g' on the second examples is 0.2 at w = 1: c = 0.18 - 0.01.
  const double c = 0.17;
  const double m_hat = (0.5 * 0.05 + 0.5 * c) / 0.75;
  EXPECT_NEAR(w[0], 0.9 - 0.1 * m_hat / c, 1e-15);
}

}  // namespace
}  // namespace plumbline
