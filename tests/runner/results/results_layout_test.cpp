// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/results_layout.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/example_results.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> names_of(const ResultsLayout& layout) {
  std::vector<std::string> names;
  for (const SettingVariable& setting : layout.settings) names.push_back(setting.name);
  return names;
}

SettingVariable setting_of(const ResultsLayout& layout, const std::string& name) {
  const auto found = std::ranges::find(layout.settings, name, &SettingVariable::name);
  return found == layout.settings.end() ? SettingVariable{} : *found;
}

TEST(ResultsLayout, TheSettingsOfTheContractAreThereThoughNothingIsSwept) {
  const ResultsLayout layout = results_layout(plan_of({}));
  EXPECT_THAT(names_of(layout),
              ElementsAre("depth", "width", "activation", "initializer", "optimizer", "data",
                          "loss", "schedule", "precision", "lr", "batch", "seed"));
  EXPECT_THAT(setting_of(layout, "width").numbers, ElementsAre(4, 4));
  EXPECT_EQ(setting_of(layout, "width").type, SettingType::int32);
  EXPECT_EQ(setting_of(layout, "lr").type, SettingType::number);
  EXPECT_EQ(setting_of(layout, "activation").type, SettingType::text);
  EXPECT_EQ(setting_of(layout, "activation").key, "model.activation");
}

TEST(ResultsLayout, TheSeedIsWideHoweverSmall) {
  EXPECT_EQ(setting_of(results_layout(plan_of({})), "seed").type, SettingType::int64);
}

TEST(ResultsLayout, TheAxesOfTheSweepAreNamedSlowestFirst) {
  const Plan plan =
      plan_of({{"model.activation", {node("tanh"), node("relu")}, {}},
               {"train.steps", {node(std::int64_t{10}), node(std::int64_t{20})}, {}}});
  const ResultsLayout layout = results_layout(plan);
  EXPECT_THAT(layout.sweep_axes, ElementsAre("activation", "steps", "seed"));
  EXPECT_THAT(setting_of(layout, "activation").texts,
              ElementsAre("tanh", "tanh", "tanh", "tanh", "relu", "relu", "relu", "relu"));
  EXPECT_THAT(setting_of(layout, "steps").numbers, ElementsAre(10, 10, 20, 20, 10, 10, 20, 20));
  EXPECT_EQ(plan_summary(plan, layout),
            "8 runs: 2 values of activation x 2 values of steps x 2 values of seed");
}

TEST(ResultsLayout, AnAxisOfOneValueIsAnAxis) {
  const Plan plan = plan_of({{"train.steps", {node(std::int64_t{10})}, {}}});
  EXPECT_THAT(results_layout(plan).sweep_axes, ElementsAre("steps", "seed"));
}

TEST(ResultsLayout, NamesThatWouldClashAreWholeKeys) {
  const std::vector<SettingNode> values = {node(std::int64_t{5}), node(std::int64_t{10})};
  const Plan plan = plan_of(
      {{"probes.error_signal.every", values, {}}, {"probes.gradient_norm.every", values, {}}});
  EXPECT_THAT(results_layout(plan).sweep_axes,
              ElementsAre("probes_error_signal_every", "probes_gradient_norm_every", "seed"));
}

TEST(ResultsLayout, ANameOfTheContractOrOfTheFileIsTakenByNoOtherSetting) {
  Plan plan = plan_of({});
  for (std::int64_t run = 0; run < 2; ++run) {
    auto& resolved = plan.runs[static_cast<std::size_t>(run)].configuration.resolved;
    for (const char* key :
         {"data.seed", "data.width", "data.step", "data.train_loss", "data.fresh"}) {
      resolved.push_back({key, node(run)});
    }
  }
  const ResultsLayout layout = results_layout(plan);
  EXPECT_EQ(setting_of(layout, "seed").key, "train.seed");
  for (const char* name : {"data_seed", "data_width", "data_step", "data_train_loss", "fresh"}) {
    EXPECT_THAT(setting_of(layout, name).numbers, ElementsAre(0, 1)) << name;
  }
}

TEST(ResultsLayout, ListedWidthsAreThereBesideDepthAndWidth) {
  const SettingNode widths = {SettingList{node(std::int64_t{5}), node(std::int64_t{3})}, {}};
  Plan plan = plan_of({});
  for (RunSpec& run : plan.runs) {
    run.configuration.resolved.push_back({"model.widths", widths});
  }
  EXPECT_THAT(setting_of(results_layout(plan), "widths").texts, ElementsAre("[5, 3]", "[5, 3]"));
}

TEST(ResultsLayout, AFlagIsAFlag) {
  Plan plan = plan_of({});
  plan.runs[0].configuration.resolved.push_back({"data.standardize", {false, {}}});
  plan.runs[1].configuration.resolved.push_back({"data.standardize", {true, {}}});
  const SettingVariable flag = setting_of(results_layout(plan), "standardize");
  EXPECT_EQ(flag.type, SettingType::flag);
  EXPECT_THAT(flag.numbers, ElementsAre(0, 1));
}

TEST(ResultsLayout, WhatDiffersBetweenRunsIsThereThoughItIsNoAxis) {
  // Each optimizer has settings of its own; a run without one has a gap.
  const ResultsLayout layout =
      results_layout(plan_of({{"optimizer", {node("sgd"), node("adam")}, {}}}));
  const SettingVariable beta1 = setting_of(layout, "beta1");
  ASSERT_EQ(beta1.numbers.size(), 4U);
  EXPECT_EQ(beta1.type, SettingType::number);
  EXPECT_TRUE(std::isnan(beta1.numbers[0]));
  EXPECT_EQ(beta1.numbers[2], 0.9);
  EXPECT_THAT(layout.sweep_axes, ElementsAre("optimizer", "seed"));
}

TEST(ResultsLayout, TheAxesHoldTheStepsAndLayersOfAllRuns) {
  const ResultsLayout layout = results_layout(ragged_plan());
  EXPECT_EQ(layout.run_ids.size(), 8U);
  EXPECT_EQ(layout.layers, 4U);
  EXPECT_THAT(layout.steps, ElementsAre(0, 5, 7, 10, 12, 14, 15, 20));
}

TEST(ResultsLayout, MetricsAreThoseOfEveryRunAndTheProbes) {
  const ResultsLayout layout = results_layout(ragged_plan());
  std::vector<std::string> names;
  for (const MetricVariable& metric : layout.metrics) {
    names.push_back(metric.name);
    EXPECT_EQ(metric.axis == QuantityAxis::layer, names.size() > 4) << metric.name;
    EXPECT_THAT(metric.meaning, testing::Not(IsEmpty())) << metric.name;
    EXPECT_THAT(metric.units, testing::Not(IsEmpty())) << metric.name;
  }
  EXPECT_THAT(names, ElementsAre("train_loss", "train_accuracy", "valid_loss", "valid_accuracy",
                                 "error_signal", "gradient_norm"));
}

Plan plan_of_text(const std::string& text) {
  std::vector<Problem> problems;
  Definition definition =
      parse_definition("d.toml", "schema = 1\nname = \"d\"\n" + text, {}, problems);
  return make_plan(std::move(definition), std::move(problems));
}

TEST(ResultsLayout, EachSettingOfThoseThatMoveTogetherIsAnAxis) {
  const Plan plan = plan_of_text(
      "[[sweep.zip]]\ntrain.steps = [3, 4]\nmodel.activation.name = [\"tanh\", \"relu\"]\n"
      "[sweep.grid]\nmodel.depth = [1, 2]\n[[sweep.exclude]]\ntrain.steps = 3\nmodel.depth = 2\n");
  const ResultsLayout layout = results_layout(plan);
  EXPECT_THAT(layout.sweep_axes, ElementsAre("steps", "activation", "depth", "seed"));
  EXPECT_THAT(setting_of(layout, "steps").numbers, ElementsAre(3, 4, 4));
  EXPECT_THAT(setting_of(layout, "activation").texts, ElementsAre("tanh", "relu", "relu"));
  EXPECT_EQ(
      plan_summary(plan, layout),
      "3 runs: 2 values of steps, activation x 2 values of depth x 1 value of seed; 1 excluded");
}

TEST(ResultsLayout, ARunOfOneOfSeveralStudiesIsLabelledByItsName) {
  const Plan plan = plan_of_text(
      "[[study]]\nname = \"heavy\"\nset.optimizer.name = \"momentum\"\n"
      "[study.search]\nmethod = \"halton\"\ntrials = 2\nseed = 7\n"
      "space.optimizer.momentum = [0.5, 0.9]\nspace.train.batch = [4, 5]\n"
      "[[study]]\nset.model.depth = 2\n");
  const ResultsLayout layout = results_layout(plan);
  EXPECT_THAT(layout.sweep_axes, ElementsAre("study", "momentum", "batch", "seed"));
  const SettingVariable study = setting_of(layout, "study");
  EXPECT_THAT(study.texts, ElementsAre("heavy", "heavy", "2"));
  EXPECT_EQ(study.role, "label");
  EXPECT_TRUE(std::isnan(setting_of(layout, "momentum").numbers[2]));
  EXPECT_EQ(plan_summary(plan, layout),
            "3 runs: heavy: 2 trials (halton, seed 7) of momentum, batch x 1 value of seed; "
            "2: 1 value of seed");
}

TEST(ResultsLayout, OneStudyNeedsNoLabel) {
  const ResultsLayout layout = results_layout(plan_of_text("[[study]]\nname = \"alone\"\n"));
  EXPECT_THAT(layout.sweep_axes, ElementsAre("seed"));
  EXPECT_EQ(setting_of(layout, "study").name, "");
}

}  // namespace
}  // namespace plumbline
