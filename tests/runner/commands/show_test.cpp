// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "experiments/runner/commands/show_summary.hpp"
#include "experiments/runner/commands/sweep_summary.hpp"
#include "experiments/runner/profile/layer_profile.hpp"

namespace plumbline {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
// A fit over at most 60 layers of rounded logarithms of size up to 100: 60 * 100 * 2^-53 < 1e-12.
constexpr double kFitTolerance = 1e-12;

/// e_l = factor^(L - l) over L layers, layer 1 first.
std::vector<double> geometric(std::size_t n_layers, double factor) {
  std::vector<double> profile;
  for (std::size_t layer = 1; layer <= n_layers; ++layer) {
    profile.push_back(std::pow(factor, static_cast<double>(n_layers - layer)));
  }
  return profile;
}

TEST(LayerProfile, HasTheFactorOfAGeometricDecayTowardsTheInput) {
  EXPECT_NEAR(factor_per_layer(geometric(60, 0.236)), 0.236, kFitTolerance);
  EXPECT_NEAR(factor_per_layer(geometric(6, 1.5)), 1.5, kFitTolerance);
}

TEST(LayerProfile, FitsLayersFiveToLMinusTwoOfADeepNet) {
  std::vector<double> profile = geometric(12, 0.5);
  for (const std::size_t layer : {1U, 2U, 3U, 4U, 11U, 12U}) profile[layer - 1] = 1e9;
  EXPECT_NEAR(factor_per_layer(profile), 0.5, kFitTolerance);
  for (const std::size_t layer : {5U, 10U}) {
    std::vector<double> bent = profile;
    bent[layer - 1] *= 2;
    EXPECT_GT(std::abs(factor_per_layer(bent) - 0.5), 0.01) << "layer " << layer;
  }
}

TEST(LayerProfile, FitsAllHiddenLayersOfAShallowNet) {
  std::vector<double> profile = geometric(11, 0.5);
  profile.back() = 1e9;
  EXPECT_NEAR(factor_per_layer(profile), 0.5, kFitTolerance);
  profile.front() *= 2;
  EXPECT_GT(std::abs(factor_per_layer(profile) - 0.5), 0.01);
}

TEST(LayerProfile, LeavesOutLayersWithoutALogarithm) {
  std::vector<double> profile = geometric(20, 0.1);
  profile[4] = 0;
  profile[7] = kNaN;
  profile[8] = kInfinity;
  EXPECT_NEAR(factor_per_layer(profile), 0.1, kFitTolerance);
}

TEST(LayerProfile, HasNoFactorFromFewerThanTwoLayers) {
  EXPECT_TRUE(std::isnan(factor_per_layer({})));
  EXPECT_TRUE(std::isnan(factor_per_layer(geometric(2, 0.5))));
  EXPECT_TRUE(std::isnan(factor_per_layer(std::vector<double>(20, 0.0))));
  EXPECT_NEAR(factor_per_layer(geometric(3, 0.5)), 0.5, kFitTolerance);
}

TEST(LayerProfile, ComparesTheFirstLayerWithTheLast) {
  EXPECT_EQ(first_to_last(std::vector<double>{3, 7, 12}), 0.25);
  EXPECT_EQ(first_to_last(std::vector<double>{0, 7, 12}), 0.0);
  EXPECT_TRUE(std::isnan(first_to_last(std::vector<double>{1, 2, 0})));
  EXPECT_TRUE(std::isnan(first_to_last(std::vector<double>{kInfinity, 1})));
  EXPECT_TRUE(std::isnan(first_to_last({})));
}

TEST(Spread, InterpolatesTheQuartilesAsNumpyDoes) {
  // numpy.percentile([1, 2, 4, 8], [25, 50, 75])
  const Spread spread = spread_of({8, 1, 4, 2});
  EXPECT_EQ(spread.n, 4U);
  EXPECT_EQ(spread.low, 1.75);
  EXPECT_EQ(spread.median, 3.0);
  EXPECT_EQ(spread.high, 5.0);
}

TEST(Spread, LeavesOutNaNAndKeepsInfinity) {
  const Spread spread = spread_of({kNaN, kInfinity, 1, 1, 1, kNaN, 2});
  EXPECT_EQ(spread.n, 5U);
  EXPECT_EQ(spread.median, 1.0);
  EXPECT_EQ(spread.high, 2.0);
  EXPECT_EQ(spread_of({1, kInfinity, kInfinity}).high, kInfinity);
}

TEST(Spread, OfNothingIsNotANumber) {
  const Spread spread = spread_of({kNaN});
  EXPECT_EQ(spread.n, 0U);
  EXPECT_TRUE(std::isnan(spread.median));
}

RunValues run_of(double depth, std::string activation, RunStatus status, double accuracy,
                 double loss, LayerDecay error_signal) {
  return {{depth, std::move(activation)},
          status,
          {{accuracy}, {loss}},
          {error_signal, {2 * error_signal.first_to_last, 1.0, kNaN}}};
}

/// Two groups, the deeper one first, as their runs stand in the file.
SweepSummary example() {
  SweepSummary summary;
  summary.path = "results/example.h5";
  summary.title = "Gradient norm by layer as depth grows";
  summary.by = {"depth", "activation"};
  summary.values = {"final_valid_accuracy", "final_train_loss"};
  summary.decays = {"error_signal", "gradient_norm"};
  const auto complete = RunStatus::complete;
  add_groups(summary, {run_of(32, "sigmoid", complete, 0.1, 2.3, {1.5e-20, 0.236, 0.2361}),
                       run_of(2, "tanh", complete, 0.9, 0.25, {0.9, 0.95, 0.96}),
                       run_of(32, "sigmoid", RunStatus::diverged, 0.9, 7, {1.7e-20, 0.238, 0.2363}),
                       run_of(2, "tanh", complete, 0.92, 0.75, {0.8, 0.96, 0.97}),
                       run_of(32, "sigmoid", RunStatus::failed, kNaN, kNaN, {kNaN, kNaN, kNaN}),
                       run_of(2, "tanh", RunStatus::pending, kNaN, kNaN, {kNaN, kNaN, kNaN})});
  return summary;
}

TEST(SweepSummary, KeepsGroupsInTheOrderOfTheirFirstRun) {
  const SweepSummary summary = example();
  ASSERT_EQ(summary.groups.size(), 2U);
  EXPECT_EQ(summary.groups[0].key, (std::vector<GroupValue>{32.0, "sigmoid"}));
  EXPECT_EQ(summary.groups[1].key, (std::vector<GroupValue>{2.0, "tanh"}));
}

TEST(SweepSummary, CountsStatusesApart) {
  const SweepSummary summary = example();
  EXPECT_EQ(summary.counts, (StatusCounts{1, 3, 1, 1}));
  EXPECT_EQ(summary.groups[0].counts, (StatusCounts{0, 1, 1, 1}));
}

TEST(SweepSummary, TakesFinalValuesOfCompleteRunsAndLayersOfDivergedOnesToo) {
  const Group sigmoid = example().groups[0];
  EXPECT_EQ(sigmoid.values[0].n, 1U);
  EXPECT_EQ(sigmoid.values[0].median, 0.1);
  EXPECT_EQ(sigmoid.decays[0].factor.n, 2U);
  EXPECT_DOUBLE_EQ(sigmoid.decays[0].factor.median, 0.237);
}

TEST(Show, PrintsTables) {
  std::ostringstream out;
  show_tables(example(), out);
  EXPECT_EQ(out.str(), R"(Gradient norm by layer as depth grows
results/example.h5: 3 of 6 runs complete, 1 diverged, 1 failed, 1 pending

n complete runs in each group; median (quartiles) over them

depth  activation  n  diverged  final_valid_accuracy  final_train_loss
-----  ----------  -  --------  --------------------  --------------------
   32  sigmoid     1         1  0.100 (0.100, 0.100)  2.30 (2.30, 2.30)
    2  tanh        2         0  0.910 (0.905, 0.915)  0.500 (0.375, 0.625)

Before training: the first weight layer over the last (1:L), and the factor a layer
towards the input; medians, diverged runs included

depth  activation  error_signal 1:L  a layer  theory  gradient_norm 1:L  a layer
-----  ----------  ----------------  -------  ------  -----------------  -------
   32  sigmoid              1.6e-20    0.237   0.236            3.2e-20     1.00
    2  tanh                   0.850    0.955   0.965               1.70     1.00
)");
}

TEST(Show, StaysWithinAHundredColumnsForTheFlagship) {
  SweepSummary summary = example();
  summary.by.emplace_back("initializer");
  for (Group& group : summary.groups) {
    group.key.emplace_back("glorot_uniform");
    group.values[1] = {5, 1.25e-10, 1.5e-10, 1.75e-10};
  }
  std::ostringstream out;
  show_tables(summary, out);
  std::istringstream lines(out.str());
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, line.size());
  EXPECT_LE(widest, 100U);
}

TEST(Show, PrintsADashWhereThereIsNoNumber) {
  SweepSummary summary;
  summary.path = "a.h5";
  summary.title = "Title";
  summary.by = {"momentum"};
  summary.values = {"final_valid_accuracy"};
  add_groups(summary, {{{std::string()}, RunStatus::failed, {{kNaN}}, {}}});
  std::ostringstream out;
  show_tables(summary, out);
  EXPECT_EQ(out.str(), R"(Title
a.h5: 0 of 1 run complete, 0 diverged, 1 failed, 0 pending

n complete runs in each group; median (quartiles) over them

momentum  n  diverged  final_valid_accuracy
--------  -  --------  --------------------
-         0         0  -
)");
}

TEST(Show, CountsRunsThatDidNotReachTheirTargetAsInfinitelySlow) {
  SweepSummary summary;
  summary.path = "a.h5";
  summary.title = "Title";
  summary.by = {"lr"};
  summary.values = {"steps_to_target"};
  const auto add = [](std::vector<RunValues>& runs, double lr, RunStatus status, double steps) {
    runs.push_back({{lr}, status, {{steps}}, {}});
  };
  std::vector<RunValues> runs;
  for (const double steps : {100.0, 120.0, 140.0, kNaN}) {
    add(runs, 0.1, RunStatus::complete, steps);
  }
  add(runs, 0.1, RunStatus::diverged, kNaN);
  for (const double steps : {10.0, kNaN, kNaN}) add(runs, 0.2, RunStatus::complete, steps);
  add(runs, 0.3, RunStatus::complete, kNaN);
  add_groups(summary, runs);
  std::ostringstream out;
  show_tables(summary, out);
  EXPECT_EQ(out.str(), R"(Title
a.h5: 8 of 9 runs complete, 1 diverged, 0 failed, 0 pending

n complete runs in each group; median (quartiles) over them
steps_to_target: how many reached it of all, diverged ones too; median (quartiles) over all

 lr  n  diverged  steps_to_target
---  -  --------  ----------------------------------------------
0.1  4         1  3 of 5: 140.0 (120.0, not reached)
0.2  3         0  1 of 3: not reached (not reached, not reached)
0.3  1         0  0 of 1: not reached
)");
  const auto json = nlohmann::json::parse(show_json(summary));
  EXPECT_EQ(json["groups"][0]["values"]["steps_to_target"].dump(),
            R"({"high":"inf","low":120.0,"median":140.0,"n":5,"reached":3})");
}

TEST(Show, SaysAtWhichStepsValuesStandAndWhyOthersAreUndefined) {
  SweepSummary summary;
  summary.path = "a.h5";
  summary.title = "Title";
  summary.by = {"optimizer"};
  summary.values = {"train_loss", "sharpness[1]", "stability_limit"};
  const auto run = [](std::string optimizer, RunStatus status, std::int64_t step, RunValue limit) {
    return RunValues{{std::move(optimizer)}, status, {{0.5, step}, {3, 10}, limit}, {}};
  };
  const RunValue undefined{kNaN, std::nullopt, true};
  add_groups(summary, {run("sgd", RunStatus::complete, 20, {20, 10}),
                       run("sgd", RunStatus::complete, 15, {20, 10}),
                       run("sgd", RunStatus::diverged, 5, {20, 3}),
                       run("lion", RunStatus::complete, 20, undefined)});
  summary.undefined = {{"stability_limit", 1, "nobody knows"}};
  std::ostringstream out;
  show_tables(summary, out);
  EXPECT_EQ(out.str(), R"(Title
a.h5: 3 of 4 runs complete, 1 diverged, 0 failed, 0 pending

n complete runs in each group; median (quartiles) over them
train_loss: at the last step of each run that has it, from 15 to 20
sharpness[1]: at step 10, the last that has it
stability_limit: at step 10, the last that has it

optimizer  n  diverged  train_loss            sharpness[1]       stability_limit
---------  -  --------  --------------------  -----------------  -----------------
sgd        2         1  0.500 (0.500, 0.500)  3.00 (3.00, 3.00)  20.0 (20.0, 20.0)
lion       1         0  0.500 (0.500, 0.500)  3.00 (3.00, 3.00)  undefined

stability_limit: undefined in 1 of 4 complete or diverged runs, because nobody knows
)");
  const auto json = nlohmann::json::parse(show_json(summary));
  EXPECT_EQ(json["undefined"].dump(), R"({"stability_limit":{"because":"nobody knows","runs":1}})");
  EXPECT_EQ(json["groups"][0]["values"]["train_loss"]["steps"].dump(), "[15,20]");
  EXPECT_EQ(json["groups"][1]["values"]["stability_limit"].dump(),
            R"({"high":null,"low":null,"median":null,"n":0,"undefined":1})");
}

TEST(Show, PrintsOneJsonObject) {
  const auto json = nlohmann::json::parse(show_json(example()));
  EXPECT_EQ(json["path"], "results/example.h5");
  EXPECT_EQ(json["runs"].dump(), R"({"complete":3,"diverged":1,"failed":1,"pending":1,"total":6})");
  ASSERT_EQ(json["groups"].size(), 2U);
  const auto& tanh = json["groups"][1];
  EXPECT_EQ(tanh["key"].dump(), R"({"activation":"tanh","depth":2})");
  EXPECT_EQ(tanh["runs"]["pending"], 1);
  EXPECT_EQ(tanh["values"]["final_train_loss"].dump(),
            R"({"high":0.625,"low":0.375,"median":0.5,"n":2})");
  const auto& layers = tanh["layers_at_step_0"];
  EXPECT_EQ(layers["error_signal"]["theory_factor_per_layer"]["n"], 2);
  EXPECT_EQ(layers["gradient_norm"]["theory_factor_per_layer"].dump(),
            R"({"high":null,"low":null,"median":null,"n":0})");
}

}  // namespace
}  // namespace plumbline
