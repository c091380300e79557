// SPDX-License-Identifier: Apache-2.0
#include "engine/optimizers/parameter_groups.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tests/optimizers/quadratic_objective.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

// Interleaved groups, so that no part is one piece of the block.
ParameterLayout layout() {
  ParameterLayout layout;
  layout.add("layer_1.weight", 1, ParameterGroup::input, 2, 3);
  layout.add("layer_1.bias", 1, ParameterGroup::bias, 2, 1);
  layout.add("layer_2.weight", 2, ParameterGroup::hidden, 2, 2);
  layout.add("layer_2.bias", 2, ParameterGroup::bias, 2, 1);
  layout.add("layer_3.weight", 3, ParameterGroup::output, 1, 2);
  return layout;
}

std::unique_ptr<Optimizer<double>> optimizer(const SettingsTable& given, SettingsReport& report,
                                             const ParameterLayout& of = layout()) {
  Settings settings(given, "optimizer", report);
  return make_optimizer<double>(choose_here(settings, "sgd", optimizer_catalogue()), report, of);
}

std::unique_ptr<Optimizer<double>> optimizer(const SettingsTable& given) {
  SettingsReport report;
  auto made = optimizer(given, report);
  for (const Problem& problem : report.problems) ADD_FAILURE() << problem.message;
  return made;
}

std::vector<std::string> messages(const SettingsTable& given) {
  SettingsReport report;
  optimizer(given, report);
  std::vector<std::string> texts;
  for (const Problem& problem : report.problems) texts.push_back(problem.message);
  return texts;
}

/// 1, 2, 3, ...
std::vector<double> counted(std::size_t n) {
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<double>(i + 1);
  return values;
}

TEST(ParameterGroups, StepByTheirOwnLearningRates) {
  const auto rule = optimizer(table_of(
      {{"name", "sgd"}, {"lr", 0.5}, {"groups.hidden.lr", 0.25}, {"groups.bias.lr", 2.0}}));
  const ParameterLayout tensors = layout();
  std::vector<double> w(tensors.size());
  const std::vector<double> g = counted(w.size());
  rule->step(w, g, {1, 1.0});
  for (const ParameterTensor& tensor : tensors.tensors()) {
    const double lr = tensor.group == ParameterGroup::hidden ? 0.25
                      : tensor.group == ParameterGroup::bias ? 2.0
                                                             : 0.5;
    for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size(); ++i) {
      EXPECT_EQ(w[i], -lr * g[i]) << tensor.name;
    }
  }
}

TEST(ParameterGroups, WithTheSameSettingsAreNoGroups) {
  const auto plain = optimizer(table_of({{"name", "adam"}, {"lr", 0.5}}));
  const auto grouped =
      optimizer(table_of({{"name", "adam"}, {"lr", 0.5}, {"groups.input.lr", 0.5}}));
  std::vector<double> w = counted(layout().size());
  std::vector<double> v = w;
  for (int step = 1; step <= 5; ++step) {
    plain->step(w, counted(w.size()), {step, 1.0});
    grouped->step(v, counted(v.size()), {step, 1.0});
  }
  EXPECT_EQ(w, v);
}

TEST(ParameterGroups, MayHaveAnotherOptimizerAltogether) {
  const auto mixed = optimizer(table_of({{"name", "sgd"},
                                         {"lr", 0.5},
                                         {"groups.hidden.name", "momentum"},
                                         {"groups.hidden.lr", 0.25},
                                         {"groups.hidden.momentum", 0.5}}));
  const ParameterTensor hidden = layout().tensors()[2];
  std::vector<double> w(layout().size());
  const std::vector<double> g(w.size(), -1.0);
  mixed->step(w, g, {1, 1.0});
  mixed->step(w, g, {2, 1.0});
  EXPECT_EQ(w[0], 1.0);
  EXPECT_EQ(w[hidden.offset], 0.25 + 0.375);
}

TEST(ParameterGroups, SeeOneObjectiveAsAFunctionOfTheirOwnParameters) {
  // The gradient at the moved point is that of the whole quadratic with all others where they are, so
  // a sharpness-aware step of each group alone is what it is without the other groups.
  const std::size_t n = layout().size();
  QuadraticObjective<double> objective(counted(n), std::vector<double>(n, 0.0), 0.5);
  const auto grouped = optimizer(table_of({{"name", "sam"},
                                           {"rho", 0.5},
                                           {"inner.name", "sgd"},
                                           {"inner.lr", 0.125},
                                           {"groups.hidden.rho", 0.25}}));
  const std::vector<double> start = counted(n);
  std::vector<double> gradient(n);
  objective.gradient(start, gradient);
  std::vector<double> w = start;
  grouped->step(w, gradient, {1, 1.0, 10, &objective});
  const ParameterTensor hidden = layout().tensors()[2];
  for (const bool of_hidden : {false, true}) {
    double square = 0;
    const auto inside = [&](std::size_t i) {
      return (i >= hidden.offset && i < hidden.offset + hidden.size()) == of_hidden;
    };
    for (std::size_t i = 0; i < n; ++i) square += inside(i) ? gradient[i] * gradient[i] : 0;
    const double rho = of_hidden ? 0.25 : 0.5;
    std::vector<double> moved = start;
    for (std::size_t i = 0; i < n; ++i) {
      if (inside(i)) moved[i] += rho * gradient[i] / std::sqrt(square);
    }
    std::vector<double> there(n);
    objective.gradient(moved, there);
    for (std::size_t i = 0; i < n; ++i) {
      // Some ten roundings of 1.1e-16 of gradients up to 1e4.
      if (inside(i)) {
        EXPECT_NEAR(w[i], start[i] - 0.125 * there[i], 1e-14 * std::abs(there[i])) << i;
      }
    }
  }
}

TEST(ParameterGroups, AreEvaluatedWhereEachOfThemSays) {
  const auto rule = optimizer(table_of({{"name", "sgd"},
                                        {"lr", 1.0},
                                        {"groups.hidden.name", "ema"},
                                        {"groups.hidden.decay", 0.5},
                                        {"groups.hidden.inner.name", "sgd"},
                                        {"groups.hidden.inner.lr", 1.0}}));
  std::vector<double> w(layout().size());
  EXPECT_TRUE(std::ranges::equal(rule->evaluation_point(w), w));
  rule->step(w, std::vector<double>(w.size(), -1.0), {1, 1.0});
  rule->step(w, std::vector<double>(w.size(), -1.0), {2, 1.0});
  const std::span<const double> point = rule->evaluation_point(w);
  const ParameterTensor hidden = layout().tensors()[2];
  EXPECT_EQ(point[0], 2.0);
  EXPECT_LT(point[hidden.offset], 2.0);
  EXPECT_EQ(w[hidden.offset], 2.0);
}

TEST(ParameterGroups, AreRefusedWhereThereIsNoneOfTheName) {
  EXPECT_EQ(messages(table_of({{"name", "sgd"}, {"groups.hiden.lr", 0.1}})),
            (std::vector<std::string>{"'optimizer.groups.hiden' is not a parameter group; did you "
                                      "mean 'hidden'?"}));
  EXPECT_EQ(messages(table_of({{"name", "sgd"}, {"groups.hidden", 0.1}})),
            (std::vector<std::string>{
                "'optimizer.groups.hidden' is a number; expected a table of settings"}));
  EXPECT_EQ(messages(table_of({{"name", "sgd"}, {"groups", 0.1}})),
            (std::vector<std::string>{
                "'optimizer.groups' is a number; expected a table for each group"}));
}

TEST(ParameterGroups, NameAWrongSettingByItsWholePath) {
  EXPECT_EQ(messages(table_of({{"name", "sgd"}, {"groups.hidden.lr", -1.0}})),
            (std::vector<std::string>{"'optimizer.groups.hidden.lr' is -1; allowed is > 0"}));
  EXPECT_EQ(messages(table_of({{"name", "sgd"}, {"groups.hidden.rl", 1.0}})),
            (std::vector<std::string>{
                "'optimizer.groups.hidden.rl' is not a setting; did you mean 'lr'?"}));
}

TEST(ParameterGroups, ArePartOfWhatMakesARunTheSameRun) {
  SettingsReport report;
  optimizer(table_of({{"name", "sgd"}, {"lr", 0.5}, {"groups.hidden.lr", 0.25}}), report);
  const auto value = [&](const char* key) {
    const auto found = std::ranges::find(report.resolved, key, &ResolvedSetting::key);
    return found == report.resolved.end() ? std::string("absent") : to_string(found->value);
  };
  EXPECT_EQ(value("optimizer.lr"), "0.5");
  EXPECT_EQ(value("optimizer.groups.hidden.lr"), "0.25");
}

}  // namespace
}  // namespace plumbline
