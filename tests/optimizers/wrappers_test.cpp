// SPDX-License-Identifier: Apache-2.0
// Optimizers around another one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "tests/optimizers/driven.hpp"
#include "tests/optimizers/quadratic_objective.hpp"

namespace plumbline {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int kSteps = 10;
// Ten steps of a few roundings of 1.1e-16 each, of numbers of about 1.
constexpr double kTolerance = 1e-14;

using Path = std::vector<std::vector<double>>;

/// Of this wrapper around plain descent with lr 1, so that a step is minus what the inner rule saw.
SettingsTable around_descent(SettingsTable settings = {}) {
  settings.set_path("inner.name", {std::string("sgd"), {}});
  settings.set_path("inner.lr", {1.0, {}});
  return settings;
}

SettingsTable with_flag(SettingsTable settings, const char* name, bool value) {
  settings.set(name, {value, {}});
  return settings;
}

Path path_of(const char* name, const SettingsTable& settings, double scale = 1) {
  const ParameterLayout layout = four_tensors();
  const auto optimizer = optimizer_for(layout, name, settings);
  return driven(*optimizer, layout.size(), kSteps, scale);
}

/// What the inner rule sees of a gradient, for wrappers that look at nothing else.
std::vector<double> seen(const char* name, const SettingsTable& settings,
                         const ParameterLayout& layout, const std::vector<double>& gradient) {
  const auto optimizer = optimizer_for(layout, name, around_descent(settings));
  std::vector<double> w(layout.size());
  optimizer->step(w, gradient, {});
  for (double& value : w) value = -value;
  return w;
}

void expect_near(const std::vector<double>& found, const std::vector<double>& expected,
                 double tolerance = kTolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], tolerance) << i;
}

const std::vector<std::string> kWrappers = {
    "cautious",  "clip_layer", "clip_norm", "clip_value",  "ema", "gradient_centralization",
    "lookahead", "sam",        "swa",       "weight_decay"};

class EveryWrapper : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Catalogue, EveryWrapper, testing::ValuesIn(kWrappers),
                         [](const auto& tested) { return tested.param; });

std::vector<std::string> messages_of(const std::string& name, const SettingsTable& given) {
  SettingsReport report;
  Settings settings(given, "optimizer", report);
  optimizer_catalogue().find(name)->make_double(settings, four_tensors());
  settings.finish();
  std::vector<std::string> messages;
  for (const Problem& problem : report.problems) messages.push_back(problem.message);
  return messages;
}

TEST_P(EveryWrapper, ReportsWrongSettingsOfTheInnerRuleByTheirPath) {
  EXPECT_EQ(messages_of(GetParam(), table_of({{"inner.name", "sgd"}, {"inner.lr", -1.0}})),
            std::vector<std::string>{"'optimizer.inner.lr' is -1; allowed is > 0"});
  EXPECT_EQ(messages_of(GetParam(), table_of({{"inner.name", "sgd"}, {"inner.rl", 1.0}})),
            std::vector<std::string>{"'optimizer.inner.rl' is not a setting; did you mean 'lr'?"});
}

TEST_P(EveryWrapper, ReportsAnInnerRuleThatThereIsNot) {
  EXPECT_EQ(
      messages_of(GetParam(), table_of({{"inner", "momentun"}})),
      std::vector<std::string>{"'momentun' is not among the optimizers; did you mean 'momentum'?"});
}

TEST_P(EveryWrapper, ResolvesTheSettingsOfTheInnerRule) {
  SettingsReport report;
  const SettingsTable given = table_of({{"inner.name", "momentum"}, {"inner.momentum", 0.5}});
  Settings settings(given, "optimizer", report);
  optimizer_catalogue().find(GetParam())->make_double(settings, four_tensors());
  std::vector<std::string> keys;
  for (const ResolvedSetting& one : report.resolved) keys.push_back(one.key);
  for (const char* key :
       {"optimizer.inner.name", "optimizer.inner.lr", "optimizer.inner.momentum"}) {
    EXPECT_EQ(std::ranges::count(keys, key), 1) << key;
  }
}

TEST_P(EveryWrapper, HoldsAWrapperToo) {
  const ParameterLayout layout = four_tensors();
  const SettingsTable given = table_of({{"inner.name", "clip_value"},
                                        {"inner.max_value", 0.25},
                                        {"inner.inner.name", "sgd"},
                                        {"inner.inner.lr", 1.0}});
  const auto optimizer = optimizer_for(layout, GetParam(), given);
  QuadraticObjective<double> objective(std::vector<double>(layout.size(), 1.0),
                                       std::vector<double>(layout.size(), 0.0));
  const std::vector<double> start = random_block(layout.size(), 0);
  std::vector<double> w = start;
  optimizer->step(w, random_block(layout.size(), 1), {.step = 1, .objective = &objective});
  // A quarter at most, lengthened by cautious, plus what decays.
  for (std::size_t i = 0; i < w.size(); ++i) EXPECT_NEAR(w[i], start[i], 0.5) << i;
  EXPECT_NE(w, start);
}

TEST_P(EveryWrapper, KeepsTheStateOfTheInnerRuleBesideItsOwn) {
  const ParameterLayout layout = four_tensors();
  const auto size = [&](const char* inner) {
    return optimizer_for(layout, GetParam(), table_of({{"inner", inner}}))->state_size();
  };
  EXPECT_EQ(size("adam"), size("sgd") + 2 * layout.size());
}

TEST_P(EveryWrapper, EvaluatesWhereItTrainsBeforeTheFirstStep) {
  const ParameterLayout layout = four_tensors();
  const std::vector<double> w = random_block(layout.size(), 0);
  const auto point = optimizer_for(layout, GetParam())->evaluation_point(w);
  EXPECT_EQ(point.data(), w.data());
}

TEST_P(EveryWrapper, CarriesNanOfAGradientIntoItsParameter) {
  const ParameterLayout layout = four_tensors();
  QuadraticObjective<double> objective(std::vector<double>(layout.size(), 1.0),
                                       std::vector<double>(layout.size(), 0.0));
  const auto optimizer = optimizer_for(layout, GetParam());
  std::vector<double> w = random_block(layout.size(), 0);
  std::vector<double> gradient = random_block(layout.size(), 1);
  gradient[7] = kNan;
  optimizer->step(w, gradient, {.step = 1, .objective = &objective});
  EXPECT_TRUE(std::isnan(w[7]));
}

TEST(Lookahead, WithAlphaOneIsTheInnerRule) {
  EXPECT_EQ(path_of("lookahead", table_of({{"alpha", 1.0}, {"every", 3}})), path_of("adam", {}));
}

TEST(Lookahead, GoesBackByOneMinusAlphaAfterEveryKSteps) {
  const ParameterLayout layout = one_tensor(1, 1);
  const auto optimizer =
      optimizer_for(layout, "lookahead", around_descent(table_of({{"alpha", 0.25}, {"every", 2}})));
  std::vector<double> w = {0};
  Path path;
  std::vector<double> slow;
  for (int t = 1; t <= 4; ++t) {
    optimizer->step(w, std::vector<double>{-1}, {.step = t});
    path.push_back(w);
    slow.push_back(optimizer->evaluation_point(w)[0]);
  }
  // 1, 2 -> 2 / 4; 1.5, 2.5 -> 0.5 + 2 / 4.
  EXPECT_EQ(path, (Path{{1}, {0.5}, {1.5}, {1}}));
  EXPECT_EQ(slow, (std::vector<double>{0, 0.5, 0.5, 1}));
}

TEST(Ema, DoesNotChangeTheTraining) {
  EXPECT_EQ(path_of("ema", {}), path_of("adam", {}));
  EXPECT_EQ(path_of("swa", {}), path_of("adam", {}));
}

TEST(Ema, OfAConstantIsTheConstant) {
  for (const bool correction : {false, true}) {
    const auto optimizer =
        optimizer_for(one_tensor(1, 2), "ema",
                      with_flag(table_of({{"decay", 0.75}}), "bias_correction", correction));
    std::vector<double> w = {3, -7};
    for (int t = 1; t <= kSteps; ++t) optimizer->step(w, std::vector<double>{0, 0}, {.step = t});
    const auto point = optimizer->evaluation_point(w);
    expect_near({point.begin(), point.end()}, w);
  }
}

TEST(Ema, WeighsStepsByPowersOfItsDecay) {
  // w = 1, 2, 3 from 0 on.
  for (const bool correction : {false, true}) {
    const auto optimizer = optimizer_for(
        one_tensor(1, 1), "ema",
        with_flag(around_descent(table_of({{"decay", 0.5}})), "bias_correction", correction));
    std::vector<double> w = {0};
    for (int t = 1; t <= 3; ++t) optimizer->step(w, std::vector<double>{-1}, {.step = t});
    const double sum = 0.5 * 3 + 0.25 * 2 + 0.125 * 1;
    EXPECT_NEAR(optimizer->evaluation_point(w)[0], correction ? sum / 0.875 : sum, kTolerance);
  }
}

TEST(Swa, IsTheMeanOfEveryCthStepOfItsPhase) {
  const auto optimizer = optimizer_for(one_tensor(1, 1), "swa",
                                       around_descent(table_of({{"start", 0.25}, {"every", 3}})));
  std::vector<double> w = {0};
  std::vector<double> evaluated;
  for (int t = 1; t <= 12; ++t) {
    optimizer->step(w, std::vector<double>{-1}, {.step = t, .steps = 12});
    evaluated.push_back(optimizer->evaluation_point(w)[0]);
  }
  // w = t; three steps go before, and 6, 9, 12 are taken.
  expect_near(evaluated, {1, 2, 3, 4, 5, 6, 6, 6, 7.5, 7.5, 7.5, 9});
}

TEST(ClipNorm, LeavesShorterGradientsAlone) {
  // 38 values of 1e-3: norm about 6e-3.
  EXPECT_EQ(path_of("clip_norm", {}, 1e-3), path_of("adam", {}, 1e-3));
  EXPECT_EQ(path_of("clip_layer", {}, 1e-3), path_of("adam", {}, 1e-3));
  EXPECT_EQ(path_of("clip_value", {}, 1e-3), path_of("adam", {}, 1e-3));
}

TEST(ClipNorm, ShortensTheWholeGradientToTheNorm) {
  const ParameterLayout layout = four_tensors();
  const std::vector<double> g = random_block(layout.size(), 1);
  const std::vector<double> clipped = seen("clip_norm", table_of({{"max_norm", 0.5}}), layout, g);
  EXPECT_NEAR(norm(std::span<const double>(clipped)), 0.5, kTolerance);
  const double factor = 0.5 / norm(std::span<const double>(g));
  for (std::size_t i = 0; i < g.size(); ++i) EXPECT_NEAR(clipped[i], factor * g[i], kTolerance);
}

TEST(ClipLayer, ShortensEachTensorByItself) {
  const ParameterLayout layout = four_tensors();
  std::vector<double> g = random_block(layout.size(), 1);
  for (std::size_t i = 0; i < 15; ++i) g[i] *= 1e-3;
  const std::vector<double> clipped = seen("clip_layer", table_of({{"max_norm", 0.5}}), layout, g);
  for (const ParameterTensor& tensor : layout.tensors()) {
    const std::span<const double> before(g.data() + tensor.offset, tensor.size());
    const std::span<const double> after(clipped.data() + tensor.offset, tensor.size());
    const double factor = tensor.offset == 0 ? 1 : 0.5 / norm(before);
    for (std::size_t i = 0; i < before.size(); ++i) {
      EXPECT_NEAR(after[i], factor * before[i], kTolerance) << tensor.name;
    }
  }
}

TEST(ClipValue, BoundsEachComponent) {
  const std::vector<double> g = {-3, -0.5, -0.25, 0, 0.25, 0.5, 3};
  EXPECT_EQ(seen("clip_value", table_of({{"max_value", 0.5}}), one_tensor(1, 7), g),
            (std::vector<double>{-0.5, -0.5, -0.25, 0, 0.25, 0.5, 0.5}));
}

TEST(GradientCentralization, TakesItsMeanFromEachRowOfAWeightMatrixAlone) {
  const ParameterLayout layout = four_tensors();
  const std::vector<double> g = random_block(layout.size(), 1);
  const std::vector<double> centered = seen("gradient_centralization", {}, layout, g);
  for (const ParameterTensor& tensor : layout.tensors()) {
    for (std::size_t row = 0; row < tensor.rows; ++row) {
      const std::size_t begin = tensor.offset + row * tensor.cols;
      double mean = 0;
      for (std::size_t j = 0; j < tensor.cols; ++j) {
        mean += g[begin + j] / static_cast<double>(tensor.cols);
      }
      if (tensor.group == ParameterGroup::bias) mean = 0;
      for (std::size_t j = 0; j < tensor.cols; ++j) {
        EXPECT_NEAR(centered[begin + j], g[begin + j] - mean, kTolerance) << tensor.name;
      }
    }
  }
}

TEST(GradientCentralization, LeavesTheWeightsOfASingleInputAlone) {
  const std::vector<double> g = {1, 2, 3};
  EXPECT_EQ(seen("gradient_centralization", {}, one_tensor(3, 1), g), g);
}

TEST(Cautious, TakesDescendingComponentsLengthened) {
  // Momentum from a first gradient (1, 1, 1, 1): its second step is -(mu + g).
  const auto optimizer = optimizer_for(
      one_tensor(1, 4), "cautious",
      table_of({{"inner.name", "momentum"}, {"inner.lr", 1.0}, {"inner.momentum", 0.5}}));
  std::vector<double> w = {0, 0, 0, 0};
  optimizer->step(w, std::vector<double>{1, 1, 1, 1}, {.step = 1});
  // All descend: 4 / (4 + 1).
  expect_near(w, {-0.8, -0.8, -0.8, -0.8});
  w = {0, 0, 0, 0};
  optimizer->step(w, std::vector<double>{1, -0.25, 0, -2}, {.step = 2});
  // Steps -1.5, -0.25, -0.5, 1.5 against 1, -0.25, 0, -2: the first and the last, times 4 / 3.
  expect_near(w, {-2, 0, 0, 2});
}

TEST(WeightDecay, DecoupledTakesAShareOfTheWeightBeforeTheStep) {
  const auto optimizer =
      optimizer_for(one_tensor(1, 2), "weight_decay", around_descent(table_of({{"rate", 0.25}})));
  std::vector<double> w = {8, -4};
  optimizer->step(w, std::vector<double>{1, 2}, {.step = 1, .schedule_factor = 0.5});
  // w - 0.5 g - 0.5 * 0.25 w.
  EXPECT_EQ(w, (std::vector<double>{8 - 0.5 - 1, -4 - 1 + 0.5}));
}

TEST(WeightDecay, CoupledIsSeenByTheInnerRule) {
  const SettingsTable coupled = table_of({{"kind", "coupled"}, {"rate", 0.25}});
  const auto optimizer = optimizer_for(one_tensor(1, 2), "weight_decay", around_descent(coupled));
  std::vector<double> w = {8, -4};
  optimizer->step(w, std::vector<double>{1, 2}, {.step = 1, .schedule_factor = 0.5});
  // w - 0.5 (g + 0.25 w).
  EXPECT_EQ(w, (std::vector<double>{8 - 0.5 * 3, -4 - 0.5 * 1}));
  // An adaptive rule is blind to its size at the first step.
  const auto adaptive = optimizer_for(one_tensor(1, 1), "weight_decay",
                                      table_of({{"kind", "coupled"}, {"rate", 0.5}}));
  std::vector<double> one = {1};
  adaptive->step(one, std::vector<double>{0}, {.step = 1});
  EXPECT_NEAR(one[0], 1 - 1e-3, 1e-9);
}

TEST(WeightDecay, LeavesBiasesAloneWhereAsked) {
  const ParameterLayout layout = four_tensors();
  for (const char* kind : {"decoupled", "coupled"}) {
    const auto optimizer = optimizer_for(
        layout, "weight_decay",
        with_flag(around_descent(table_of({{"kind", kind}, {"rate", 0.5}})), "biases", false));
    std::vector<double> w(layout.size(), 4.0);
    const std::vector<double> zero(layout.size());
    // Twice, so that nothing of the first step is left over.
    for (int t = 1; t <= 2; ++t) optimizer->step(w, zero, {.step = t});
    for (std::size_t i = 0; i < w.size(); ++i) EXPECT_EQ(w[i], i >= 15 && i < 18 ? 4 : 1) << i;
  }
}

TEST(Sam, StepsByTheGradientUphill) {
  // L = 1/2 h w^2 at w = 2: g = h w, e = rho, so w <- w - h (w + rho).
  QuadraticObjective<double> objective({0.25}, {0});
  const auto optimizer =
      optimizer_for(one_tensor(1, 1), "sam", around_descent(table_of({{"rho", 0.5}})));
  std::vector<double> w = {2};
  optimizer->step(w, std::vector<double>{0.5}, {.step = 1, .objective = &objective});
  EXPECT_NEAR(w[0], 2 - 0.25 * 2.5, kTolerance);
}

/// Ten steps down a coupled quadratic.
std::vector<double> descended(const char* name, const SettingsTable& settings) {
  const ParameterLayout layout = four_tensors();
  const std::size_t n = layout.size();
  QuadraticObjective<double> objective(std::vector<double>(n, 1.0), random_block(n, 5), 0.1);
  const auto optimizer = optimizer_for(layout, name, settings);
  std::vector<double> w = random_block(n, 0);
  std::vector<double> gradient(n);
  for (int t = 1; t <= kSteps; ++t) {
    objective.gradient(w, gradient);
    optimizer->step(w, gradient, {.step = t, .objective = &objective});
  }
  return w;
}

TEST(Sam, OfRadiusZeroIsTheInnerRule) {
  EXPECT_EQ(descended("sam", table_of({{"rho", 0.0}})), descended("adam", {}));
  EXPECT_NE(descended("sam", table_of({{"rho", 0.5}})), descended("adam", {}));
}

TEST(Sam, HandsItsOwnObjectiveToTheInnerRule) {
  // With L-BFGS inside, the pair of its first step is of L(w + e) = 1/2 (w + e)^2, e = 1/2, at both
  // ends: y = s, and so the second step of length 1 ends in that function's minimum, with e = -1/2.
  QuadraticObjective<double> objective({1}, {0});
  const auto optimizer =
      optimizer_for(one_tensor(1, 1), "sam", table_of({{"rho", 0.5}, {"inner", "lbfgs"}}));
  std::vector<double> w = {2};
  for (int t = 1; t <= 2; ++t) {
    optimizer->step(w, std::vector<double>(w), {.step = t, .objective = &objective});
    EXPECT_NEAR(w[0], t == 1 ? -0.5 : 0.5, kTolerance);
  }
}

TEST(Sam, StaysAtAMinimum) {
  QuadraticObjective<double> objective({1}, {0});
  const auto optimizer = optimizer_for(one_tensor(1, 1), "sam");
  std::vector<double> w = {0};
  optimizer->step(w, std::vector<double>{0}, {.step = 1, .objective = &objective});
  EXPECT_EQ(w[0], 0);
}

}  // namespace
}  // namespace plumbline
