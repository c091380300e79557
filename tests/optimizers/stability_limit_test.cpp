// SPDX-License-Identifier: Apache-2.0
// Where update rules become unstable: by running them on quadratic losses just below and just above the
// limit that they state, and by what their next step does.
#include "engine/optimizers/stability_limit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/random.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

struct LimitCase {
  std::string name;
  std::string optimizer;
  std::vector<Setting> settings;
  double schedule_factor = 1;
};

void PrintTo(const LimitCase& example, std::ostream* stream) { *stream << example.name; }

std::unique_ptr<Optimizer<double>> make(const LimitCase& example, std::size_t size) {
  ParameterLayout layout;
  layout.add("weight", 1, ParameterGroup::hidden, 1, size);
  const SettingsTable table = settings_table(example.settings);
  SettingsReport report;
  Settings settings(table, "", report);
  auto made = optimizer_catalogue().find(example.optimizer)->make<double>(settings, layout);
  settings.finish();
  if (!report.problems.empty()) throw DefinitionError(report.problems);
  return made;
}

StabilityLimit limit_of(const Optimizer<double>& optimizer, const std::vector<double>& gradient,
                        const StepContext<double>& context) {
  return dynamic_cast<const HasStabilityLimit<double>&>(optimizer).stability_limit(gradient,
                                                                                   context);
}

class Limit : public testing::TestWithParam<LimitCase> {};

// Rules that divide by a root of squares have an epsilon far above that root, so that P does not
// change while w does.
std::vector<LimitCase> cases() {
  const auto with = [](std::vector<Setting> settings, const std::vector<Setting>& more) {
    settings.insert(settings.end(), more.begin(), more.end());
    return settings;
  };
  const std::vector<Setting> frozen = {{"lr", node(0.3)}, {"epsilon", node(1e8)}};
  return {
      {"sgd", "sgd", {{"lr", node(0.3)}}},
      {"sgd_on_a_schedule", "sgd", {{"lr", node(0.3)}}, 0.25},
      {"momentum", "momentum", {{"lr", node(0.3)}, {"momentum", node(0.8)}}},
      {"nesterov", "nesterov", {{"lr", node(0.3)}, {"momentum", node(0.8)}}},
      {"adam", "adam", frozen},
      {"adam_on_a_schedule", "adam", with(frozen, {{"beta1", node(0.5)}}), 0.5},
      {"adamw", "adamw", with(frozen, {{"weight_decay", node(0.2)}})},
      {"adamw_on_a_schedule", "adamw", with(frozen, {{"weight_decay", node(0.2)}}), 0.5},
      {"rmsprop", "rmsprop", frozen},
      {"rmsprop_with_momentum", "rmsprop", with(frozen, {{"momentum", node(0.7)}})},
      {"rmsprop_inside", "rmsprop", with(frozen, {{"epsilon_place", node("inside")}})},
      {"rmsprop_centered", "rmsprop", with(frozen, {{"centered", node(true)}})},
  };
}

INSTANTIATE_TEST_SUITE_P(Every, Limit, testing::ValuesIn(cases()),
                         [](const auto& param_info) { return param_info.param.name; });

// At share s of the limit the slower root of these rules is some 1 - c (1 - s) or 1 + c (s - 1), c > 0.1,
// in the last case beside a root of at most 1 - d: over 4000 steps the change is by e^8 or more.
constexpr int kSteps = 4000;
constexpr double kShare = 0.02;
// Updates before the first one here, as it were: by then Adam's corrections are 1.
constexpr int kCorrected = 100000;
constexpr int kSettled = 200;
constexpr int kWindow = 20;
// From here 200 steps and another 1e3 stay far below epsilon.
constexpr double kFirstGradient = 1e-30;

/// The largest |w| in the last steps of a run on h w^2 / 2, over that after the first ones.
double growth(const LimitCase& example, double share) {
  const auto optimizer = make(example, 1);
  StepContext<double> context;
  context.schedule_factor = example.schedule_factor;
  context.step = kCorrected;
  const std::vector<double> zero(1);
  const StabilityLimit limit = limit_of(*optimizer, zero, context);
  const double p = limit.preconditioner.empty() ? 1 : limit.preconditioner[0];
  const double h = share * limit.sharpness * p;
  std::vector<double> w = {kFirstGradient / h};
  double settled = 0;
  double last = 0;
  for (int t = 1; t <= kSteps; ++t) {
    context.step = kCorrected + t;
    const std::vector<double> gradient = {h * w[0]};
    optimizer->step(w, gradient, context);
    const double size = std::abs(w[0]);
    if (t > kSettled - kWindow && t <= kSettled) settled = std::max(settled, size);
    if (t > kSettled && size > 1e3 * settled) return 1e3;  // before P moves
    if (t > kSteps - kWindow) last = std::max(last, size);
  }
  return last / settled;
}

TEST_P(Limit, ConvergesBelowItAndDivergesAbove) {
  EXPECT_LT(growth(GetParam(), 1 - kShare), 1e-2);
  EXPECT_GT(growth(GetParam(), 1 + kShare), 1e2);
}

// P is what a step divides by: w - w' = lr m / P, with m the mean of gradients (Adam) or the gradient.
constexpr double kRounding = 1e-12;

void expect_step_by_p(const LimitCase& example, double lr, bool by_mean, double share) {
  constexpr std::size_t kSize = 9;
  const auto optimizer = make(example, kSize);
  Random random(1, RandomStream::noise, 0);
  StepContext<double> context;
  std::vector<double> w(kSize);
  std::vector<double> gradient(kSize);
  for (int t = 1; t <= 5; ++t) {
    context.step = t;
    for (double& g : gradient) g = random.normal();
    const StabilityLimit limit = limit_of(*optimizer, gradient, context);
    std::vector<double> before = w;
    optimizer->step(w, gradient, context);
    const std::vector<double> m = by_mean ? optimizer->state()[0].values : gradient;
    ASSERT_EQ(limit.preconditioner.size(), kSize);
    for (std::size_t i = 0; i < kSize; ++i) {
      const double expected = before[i] - lr * m[i] / limit.preconditioner[i] - share * before[i];
      EXPECT_NEAR(w[i], expected, kRounding * (std::abs(before[i]) + lr)) << t << ' ' << i;
    }
  }
}

TEST(StabilityLimit, HasThePreconditionerOfTheNextStep) {
  const std::vector<Setting> adam = {{"lr", node(0.1)}, {"epsilon", node(0.2)}};
  expect_step_by_p({"", "adam", adam}, 0.1, true, 0);
  std::vector<Setting> adamw = adam;
  adamw.emplace_back("weight_decay", node(0.05));
  expect_step_by_p({"", "adamw", adamw}, 0.1, true, 0.05);
  for (const bool centered : {false, true}) {
    for (const char* place : {"inside", "outside"}) {
      std::vector<Setting> rmsprop = adam;
      rmsprop.emplace_back("centered", node(centered));
      rmsprop.emplace_back("epsilon_place", node(place));
      expect_step_by_p({"", "rmsprop", rmsprop}, 0.1, false, 0);
    }
  }
}

}  // namespace
}  // namespace plumbline
