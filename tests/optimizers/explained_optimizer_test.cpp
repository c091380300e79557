// SPDX-License-Identifier: Apache-2.0
// What an optimizer tells of itself, to people who look at one of its steps.
#include <gmock/gmock.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/optimizers/optimizer.hpp"
#include "engine/optimizers/parameter_groups.hpp"

namespace plumbline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const ParameterLayout& three_layers() {
  static const ParameterLayout three = [] {
    ParameterLayout layout;
    layout.add("layer_1.weight", 1, ParameterGroup::input, 2, 3);
    layout.add("layer_1.bias", 1, ParameterGroup::bias, 2, 1);
    layout.add("layer_2.weight", 2, ParameterGroup::hidden, 2, 2);
    layout.add("layer_2.bias", 2, ParameterGroup::bias, 2, 1);
    layout.add("layer_3.weight", 3, ParameterGroup::output, 1, 2);
    layout.add("layer_3.bias", 3, ParameterGroup::bias, 1, 1);
    return layout;
  }();
  return three;
}

SettingNode text(const char* word) { return {std::string(word), {}}; }

/// The optimizer of the table, over three_layers().
std::unique_ptr<Optimizer<double>> made(const SettingsTable& table) {
  SettingsReport report;
  Settings settings(table, "optimizer", report);
  const auto chosen = choose_here(settings, "sgd", optimizer_catalogue());
  auto optimizer = make_optimizer<double>(chosen, report, three_layers());
  EXPECT_TRUE(report.problems.empty()) << report.problems.front().message;
  return optimizer;
}

std::unique_ptr<Optimizer<double>> named(const std::string& name) {
  SettingsTable table;
  table.set("name", text(name.c_str()));
  return made(table);
}

std::vector<std::string> names(const std::vector<UpdateRule>& rules) {
  std::vector<std::string> names;
  for (const UpdateRule& rule : rules) names.push_back(rule.name);
  return names;
}

TEST(OptimizerState, HasAValueForEachParameter) {
  const std::size_t size = three_layers().size();
  for (const OptimizerEntry& entry : optimizer_catalogue().entries()) {
    for (const StateBlock& block : named(entry.info.name)->state()) {
      EXPECT_TRUE(block.values.empty() || block.values.size() == size)
          << entry.info.name << ' ' << block.name;
    }
  }
}

TEST(OptimizerState, IsAllThatARuleForSingleParametersKeeps) {
  int checked = 0;
  for (const OptimizerEntry& entry : optimizer_catalogue().entries()) {
    if (entry.scope != UpdateScope::element) continue;
    const auto optimizer = named(entry.info.name);
    std::size_t told = 0;
    for (const StateBlock& block : optimizer->state()) told += block.values.size();
    EXPECT_EQ(told, optimizer->state_size()) << entry.info.name;
    ++checked;
  }
  EXPECT_GT(checked, 15);
}

/// The values that the optimizer of the table keeps over `layout`: counted, and told by a small one.
template <typename T>
void expect_the_same_size(const SettingsTable& table, const ParameterLayout& layout) {
  SettingsReport report;
  Settings settings(table, "optimizer", report);
  const auto chosen = choose_here(settings, "sgd", optimizer_catalogue());
  const auto small = make_optimizer<T>(chosen, report, one_of_each_group());
  const auto whole = make_optimizer<T>(chosen, report, layout);
  ASSERT_TRUE(report.problems.empty()) << report.problems.front().message;
  EXPECT_EQ(small->state_size_over(layout), whole->state_size());
  EXPECT_EQ(whole->state_size_over(layout), whole->state_size());
}

/// A net with sides on either hand of shampoo's 1024, and a layer without a bias behind it.
ParameterLayout uneven_net() {
  ParameterLayout layout;
  layout.add("layer_1.weight", 1, ParameterGroup::input, 3, 1025);
  layout.add("layer_1.bias", 1, ParameterGroup::bias, 3, 1);
  layout.add("layer_1.slopes", 1, ParameterGroup::activation, 3, 1);
  layout.add("layer_2.weight", 2, ParameterGroup::hidden, 5, 3);
  layout.add("layer_2.bias", 2, ParameterGroup::bias, 5, 1);
  layout.add("layer_3.weight", 3, ParameterGroup::output, 1, 5);
  return layout;
}

TEST(OptimizerState, IsToldForALayoutThatItIsNotMadeFor) {
  for (const OptimizerEntry& entry : optimizer_catalogue().entries()) {
    SCOPED_TRACE(entry.info.name);
    SettingsTable table;
    table.set("name", text(entry.info.name.c_str()));
    expect_the_same_size<double>(table, uneven_net());
    expect_the_same_size<float>(table, uneven_net());
    table.set_path("groups.hidden.name", text("soap"));
    table.set_path("groups.bias.name", text("adafactor"));
    expect_the_same_size<float>(table, uneven_net());
  }
}

TEST(OptimizerState, IsToldForSettingsThatChangeIt) {
  SettingsTable wrapped;
  wrapped.set_path("name", text("ema"));
  wrapped.set_path("inner.name", text("kfac"));
  expect_the_same_size<float>(wrapped, uneven_net());
  SettingsTable grouped;
  grouped.set_path("name", text("lookahead"));
  grouped.set_path("inner.name", text("adam"));
  grouped.set_path("inner.groups.hidden.name", text("adafactor"));
  expect_the_same_size<float>(grouped, uneven_net());
  SettingsTable grafted;
  grafted.set_path("name", text("shampoo"));
  grafted.set_path("grafting", text("adagrad"));
  grafted.set_path("max_dimension", {std::int64_t{4}, {}});
  expect_the_same_size<float>(grafted, uneven_net());
}

TEST(OptimizerState, OfAGroupIsMissingElsewhere) {
  SettingsTable table;
  table.set_path("groups.hidden.name", text("momentum"));
  const std::vector<StateBlock> blocks = made(table)->state();
  ASSERT_EQ(blocks.size(), 1U);
  EXPECT_EQ(blocks[0].name, "v");
  for (const ParameterTensor& tensor : three_layers().tensors()) {
    const bool is_missing = std::isnan(blocks[0].values[tensor.offset]);
    EXPECT_EQ(is_missing, tensor.group != ParameterGroup::hidden) << tensor.name;
  }
}

TEST(UpdateRules, AreTheCataloguesWhereTheOptimizerDoesNotTellTensorsApart) {
  const OptimizerEntry& adam = *optimizer_catalogue().find("adam");
  const auto optimizer = named("adam");
  for (const ParameterTensor& tensor : three_layers().tensors()) {
    EXPECT_EQ(optimizer->rules(tensor),
              (std::vector<UpdateRule>{{"adam", adam.info.formula, "optimizer"}}));
  }
}

TEST(UpdateRules, OfMuonAreItsOwnInHiddenWeightsAndAdamWElsewhere) {
  const auto optimizer = named("muon");
  for (const ParameterTensor& tensor : three_layers().tensors()) {
    const bool hidden = tensor.group == ParameterGroup::hidden;
    const std::vector<UpdateRule> rules = optimizer->rules(tensor);
    EXPECT_THAT(names(rules), ElementsAre(hidden ? "muon" : "muon (AdamW)"));
    EXPECT_THAT(rules[0].formula, HasSubstr(hidden ? "Newton-Schulz" : "adam_lr"));
    EXPECT_THAT(rules[0].formula, Not(HasSubstr(hidden ? "adam_lr" : "Newton-Schulz")));
  }
}

TEST(UpdateRules, OfMatrixMethodsAreOthersForVectors) {
  const ParameterLayout layout = three_layers();
  for (const char* name : {"adafactor", "shampoo", "soap"}) {
    const auto optimizer = named(name);
    EXPECT_NE(optimizer->rules(layout.tensors()[2]), optimizer->rules(layout.tensors()[3])) << name;
  }
}

TEST(UpdateRules, OfWrappersAndGroupsGoFromTheOutsideIn) {
  SettingsTable table;
  table.set("name", text("clip_norm"));
  table.set_path("inner.name", text("weight_decay"));
  table.set_path("inner.biases", {false, {}});
  table.set_path("inner.inner", text("adam"));
  table.set_path("groups.output.name", text("lion"));
  const auto optimizer = made(table);
  const ParameterLayout layout = three_layers();
  const std::vector<UpdateRule> weight = optimizer->rules(layout.tensors()[0]);
  EXPECT_THAT(names(weight), ElementsAre("clip_norm", "weight_decay", "adam"));
  EXPECT_EQ(weight[2].path, "optimizer.inner.inner");
  EXPECT_THAT(names(optimizer->rules(layout.tensors()[1])), ElementsAre("clip_norm", "adam"));
  const std::vector<UpdateRule> output = optimizer->rules(layout.tensors()[4]);
  EXPECT_THAT(names(output), ElementsAre("lion"));
  EXPECT_EQ(output[0].path, "optimizer.groups.output");
}

}  // namespace
}  // namespace plumbline
