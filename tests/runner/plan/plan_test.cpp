// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/plan.hpp"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/definition_file.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using testing::StartsWith;

Plan plan_of(const DefinitionFile& file, const Lines& overrides = {}) {
  std::vector<Problem> problems;
  Definition definition = read_definition(file.path(), overrides, problems);
  return make_plan(std::move(definition), std::move(problems));
}

Lines problems_of(const DefinitionFile& file, const Lines& overrides = {}) {
  try {
    plan_of(file, overrides);
    return {};
  } catch (const DefinitionError& error) {
    return file.lines(error.problems());
  }
}

// The value of a setting in force, "absent" where there is none.
std::string value_of(const RunSpec& run, std::string_view key) {
  for (const ResolvedSetting& setting : run.configuration.resolved) {
    if (setting.key == key) return to_string(setting.value);
  }
  return "absent";
}

// "depth batch seed" of each run.
Lines shapes_of(const Plan& plan) {
  Lines lines;
  for (const RunSpec& run : plan.runs) {
    EXPECT_EQ(value_of(run, "train.seed"), std::to_string(run.seed));
    lines.push_back(value_of(run, "model.depth") + ' ' + value_of(run, "train.batch") + ' ' +
                    std::to_string(run.seed));
  }
  return lines;
}

std::set<std::string> ids_of(const Plan& plan) {
  std::set<std::string> ids;
  for (const RunSpec& run : plan.runs) ids.insert(run.run_id);
  return ids;
}

struct BadText {
  const char* body;
  Lines problems;
};

const std::vector<BadText> kBadTexts{
    {"[model]\ndpeth = 3\n", {"d.toml:4:9: 'model.dpeth' is not a setting; did you mean 'depth'?"}},
    {"[model]\ndepth = -1\n", {"d.toml:4:9: 'model.depth' is -1; allowed is in [0, 1e+05]"}},
    {"[model]\ndepth = \"deep\"\n",
     {"d.toml:4:9: 'model.depth' is a text; expected an integer in [0, 1e+05]"}},
    {"[model]\nactivation = \"rleu\"\n",
     {"d.toml:4:14: 'rleu' is not among the activations; did you mean 'relu'?"}},
    {"[model]\nactivation = { name = \"relu\", slop = 2 }\n",
     {"d.toml:4:38: 'model.activation.slop' is not a setting of relu"}},
    {"[optimizer]\nname = \"clip_norm\"\nlr = 0.1\n",
     {"d.toml:5:6: 'optimizer.lr' is not a setting of clip_norm; adam has it: "
      "'optimizer.inner.lr'"}},
    {"[model]\nslope = 0.1\nactivation = \"leaky_relu\"\n",
     {"d.toml:4:9: 'model.slope' is not a setting; leaky_relu has it: 'model.activation.slope'"}},
    {"[model]\nprecision = \"float46\"\n",
     {"d.toml:4:13: 'model.precision' is 'float46', which is unknown; did you mean 'float64'?"}},
    {"[data]\nname = \"digit\"\n",
     {"d.toml:4:8: 'digit' is not among the datasets; did you mean 'digits'?"}},
    {"[loss]\nname = \"cross_entrpy\"\n",
     {"d.toml:4:8: 'cross_entrpy' is not among the losses; did you mean 'cross_entropy'?"}},
    {"[optimizer]\nname = \"adam\"\nlr = 0\n", {"d.toml:5:6: 'optimizer.lr' is 0; allowed is > 0"}},
    {"[optimizer]\nname = \"adam\"\nbeta_1 = 0.9\n",
     {"d.toml:5:10: 'optimizer.beta_1' is not a setting; did you mean 'beta1'?"}},
    {"[schedule]\nname = \"cosin\"\n",
     {"d.toml:4:8: 'cosin' is not among the schedules; did you mean 'cosine'?"}},
    {"[train]\nbatch = 0\n", {"d.toml:4:9: 'train.batch' is 0; allowed is in [1, 1e+09]"}},
    {"[train]\nseed = -1\n",
     {"d.toml:4:8: 'train.seed' is -1; allowed is in [0, 9007199254740991]"}},
    {"[train]\nsteps = 1.5\n",
     {"d.toml:4:9: 'train.steps' is a number; expected an integer in [0, 2147483647]"}},
    {"[probes]\ngradient_nrom = { every = 1 }\n",
     {"d.toml:4:17: 'probes.gradient_nrom' is not a setting; did you mean 'gradient_norm'?"}},
    {"[probes]\ngradient_norm = { evry = 1 }\n",
     {"d.toml:4:26: 'probes.gradient_norm.evry' is not a setting; did you mean 'every'?"}},

    // A value of an axis is reported where it stands.
    {"[sweep.grid]\nmodel.depth = [2, -8, 3]\n",
     {"d.toml:4:19: 'model.depth' is -8; allowed is in [0, 1e+05]"}},
    {"[sweep.grid]\nmodel.activation = [\"tanh\", \"rleu\"]\n",
     {"d.toml:4:29: 'rleu' is not among the activations; did you mean 'relu'?"}},
    {"[sweep]\nseeds = [1, -1]\n",
     {"d.toml:4:13: 'train.seed' is -1; allowed is in [0, 9007199254740991]"}},
    // What no value of the axis can make right is reported at the axis.
    {"[sweep.grid]\nmodel.dpeth = [2, 3]\n",
     {"d.toml:4:15: 'model.dpeth' is not a setting; did you mean 'depth'?"}},
    {"[sweep.grid]\nmodel.depth = [\"a\", \"b\"]\n",
     {"d.toml:4:15: 'model.depth' is a text; expected an integer in [0, 1e+05]"}},
    // A setting that leads through a value that is none.
    {"[model]\ndepth = 2\n[sweep.grid]\nmodel.depth.x = [1, 2]\n",
     {"d.toml:6:17: 'model.depth' is an integer, so it has no setting 'x'"}},

    // Two runs that would be the same.
    {"[sweep.grid]\nmodel.activation = [\"tanh\", { name = \"tanh\" }]\n",
     {"d.toml:4:29: 'model.activation' = { name = \"tanh\" } makes the same run as "
      "'model.activation' = \"tanh\""}},
    {"[sweep.grid]\nmodel.depth = [1, 2]\n\"train.batch\" = [3]\n[sweep.grid.optimizer]\n"
     "lr = [0.1]\nname = [\"sgd\", { name = \"sgd\" }]\n",
     {"d.toml:8:16: 'optimizer.name' is a table; expected the name of one of the optimizers"}},
};

TEST(Plan, KeepsOnceWhatIsTheSameForAllSeeds) {
  const Plan plan = plan_of(DefinitionFile("[model]\ndepth = 3\n[sweep]\nseeds = 3\n"));
  ASSERT_THAT(plan.runs, SizeIs(3));
  for (std::size_t i = 1; i < plan.runs.size(); ++i) {
    auto before = plan.runs[i - 1].configuration.resolved.begin();
    for (const ResolvedSetting& setting : plan.runs[i].configuration.resolved) {
      const ResolvedSetting& other = *before++;
      EXPECT_EQ(&setting == &other, setting.key != "train.seed") << setting.key;
    }
  }
}

TEST(Plan, NamesThePlaceOfEachMistakeAndWhatWouldBeRight) {
  for (const BadText& bad : kBadTexts) {
    EXPECT_EQ(problems_of(DefinitionFile(bad.body)), bad.problems) << bad.body;
  }
}

TEST(Plan, ReportsEachMistakeOnceHoweverManyRunsItIsIn) {
  const DefinitionFile file(
      "[train]\n"
      "batch = 0\n"
      "stesp = 3\n"
      "[sweep]\n"
      "seeds = 5\n"
      "[sweep.grid]\n"
      "optimizer.lr = [0.1, -0.2, -0.3]\n"
      "model.depth = [2, 4, 8]\n");
  EXPECT_THAT(problems_of(file),
              ElementsAre("d.toml:4:9: 'train.batch' is 0; allowed is in [1, 1e+09]",
                          "d.toml:5:9: 'train.stesp' is not a setting; did you mean 'steps'?",
                          "d.toml:9:22: 'optimizer.lr' is -0.2; allowed is > 0",
                          "d.toml:9:28: 'optimizer.lr' is -0.3; allowed is > 0"));
}

TEST(Plan, ReportsTheMistakesOfEveryValueOfAnAxisBesideOneThatIsNoValueForIt) {
  const DefinitionFile file(
      "[sweep]\n"
      "seeds = [1, \"x\", -3]\n"
      "[sweep.grid]\n"
      "optimizer = [{ name = \"adam\", lrr = 1 }, 4, { name = \"sgdd\" }]\n"
      "model.depth = [2, 2, -3]\n");
  const Lines expected = {
      "d.toml:4:13: 'sweep.seeds' holds a text; expected integers",
      "d.toml:4:18: 'train.seed' is -3; allowed is in [0, 9007199254740991]",
      "d.toml:6:37: 'optimizer.lrr' is not a setting; did you mean 'lr'?",
      "d.toml:6:42: 'optimizer' is an integer; expected a table",
      "d.toml:6:54: 'sgdd' is not among the optimizers; did you mean 'sgd'?",
      "d.toml:7:19: 'model.depth' has the value 2 twice",
      "d.toml:7:22: 'model.depth' is -3; allowed is in [0, 1e+05]",
  };
  EXPECT_EQ(problems_of(file), expected);
}

TEST(Plan, NamesTheCombinationOfAMistakeThatNotAllRunsHave) {
  const DefinitionFile one_axis(
      "[optimizer]\n"
      "beta1 = 0.8\n"
      "[sweep]\n"
      "seeds = 3\n"
      "[sweep.grid]\n"
      "model.depth = [2, 4]\n"
      "optimizer.name = [\"adam\", \"sgd\"]\n");
  EXPECT_THAT(problems_of(one_axis),
              ElementsAre("d.toml:4:9: 'optimizer.beta1' is not a setting of sgd; known are lr "
                          "(with optimizer.name = \"sgd\")"));
  const DefinitionFile two_axes(
      "[model]\n"
      "initializer = \"looks_linear\"\n"
      "[sweep.grid]\n"
      "train.steps = [1, 2]\n"
      "model.width = [4, 5]\n"
      "model.activation = [\"crelu\", \"relu\"]\n"
      "optimizer.lr = [0.1, 0.2]\n");
  EXPECT_THAT(
      problems_of(two_axes),
      ElementsAre("d.toml:4:15: 'model.initializer' is 'looks_linear', which needs even widths "
                  "with 'relu'; layer 1 has 5 units "
                  "(with model.width = 5, model.activation = \"relu\")"));
}

TEST(Plan, SaysInOneLineHowManyOtherCombinationsHaveAMistake) {
  const DefinitionFile file(
      "[optimizer]\n"
      "beta1 = 0.8\n"
      "[sweep.grid]\n"
      "optimizer.name = [\"adam\", \"sgd\", \"momentum\"]\n"
      "model.depth = [2, 4]\n");
  EXPECT_THAT(problems_of(file),
              ElementsAre("d.toml:4:9: 'optimizer.beta1' is not a setting of sgd; known are lr "
                          "(with optimizer.name = \"sgd\"; and 1 more)"));
}

TEST(Plan, NamesNoCombinationOfAMistakeInAValueOfAnAxis) {
  const DefinitionFile file(
      "[sweep.grid]\n"
      "optimizer = [{ name = \"sgd\", lr = -1 }, \"adam\"]\n"
      "model.depth = [2, -4]\n");
  EXPECT_THAT(problems_of(file), ElementsAre("d.toml:4:35: 'optimizer.lr' is -1; allowed is > 0",
                                             "d.toml:5:19: 'model.depth' is -4; allowed is in [0, "
                                             "1e+05]"));
}

TEST(Plan, WarnsOfAWarmUpThatIsLongerThanTheRun) {
  const DefinitionFile file(
      "[schedule]\n"
      "name = \"warmup\"\n"
      "steps = 100\n"
      "[sweep.grid]\n"
      "train.steps = [0, 99, 100]\n"
      "model.depth = [2, 3]\n");
  EXPECT_THAT(
      file.lines(plan_of(file).warnings),
      ElementsAre("d.toml:4:8: schedule 'warmup' warms up for 100 updates, and the run ends "
                  "after 99 (with train.steps = 99)"));
}

TEST(Plan, WarnsOnceOfAWarmUpThatIsLongerThanRunsOfSeveralLengths) {
  const DefinitionFile file(
      "[schedule]\n"
      "name = \"warmup\"\n"
      "steps = 100\n"
      "[sweep.grid]\n"
      "train.steps = [200, 1, 2, 3]\n");
  EXPECT_THAT(
      file.lines(plan_of(file).warnings),
      ElementsAre("d.toml:4:8: schedule 'warmup' warms up for 100 updates, and the run ends "
                  "after 1 (with train.steps = 1; and 2 more)"));
}

TEST(Plan, ReportsMistakesOfTheTextAndOfTheEngineInTheOrderOfTheLinesAndThenOverrides) {
  const DefinitionFile file(
      "[model]\n"
      "depth = -1\n"
      "[modle]\n"
      "[train]\n"
      "batch = \"x\"\n"
      "[sweep]\n"
      "seeds = 0\n");
  EXPECT_THAT(
      problems_of(file, {"train.steps=none", "sede=1"}),
      ElementsAre(
          "d.toml:4:9: 'model.depth' is -1; allowed is in [0, 1e+05]",
          "d.toml:5:1: 'modle' is not a setting; did you mean 'model'?",
          "d.toml:7:9: 'train.batch' is a text; expected an integer in [1, 1e+09]",
          "d.toml:9:9: 'sweep.seeds' is 0; allowed is in [1, 1000000]",
          "sede=1: 'sede' is not a setting; known are data, model, loss, optimizer, "
          "schedule, train, budget, engine, probes, sweep",
          "train.steps=none: 'train.steps' is a text; expected an integer in [0, 2147483647]"));
}

TEST(Plan, LaysAMistakeOfTheFileOnTheOverrideThatMakesItAndNoOther) {
  const DefinitionFile file(
      "[model]\n"
      "depth = 3\n"
      "[sweep.grid]\n"
      "model.width = [8, 16]\n");
  EXPECT_THAT(
      problems_of(file, {"model.widths=[4]", "train.batch=8"}),
      ElementsAre("model.widths=[4]: 'model.depth' is given beside 'model.widths'; give one of "
                  "the two (d.toml:4:9)",
                  "model.widths=[4]: 'model.width' is given beside 'model.widths'; give one of "
                  "the two (d.toml:6:15)"));
  EXPECT_THAT(
      problems_of(DefinitionFile("[sweep]\nseeds = 2\n"), {"data.name=adding_problem"}),
      ElementsAre(StartsWith("data.name=adding_problem: loss 'cross_entropy' needs class")));
  const DefinitionFile wrong(
      "[data]\n"
      "name = \"adding_problem\"\n"
      "[model]\n"
      "depth = -1\n");
  EXPECT_THAT(problems_of(wrong, {"train.batch=8"}),
              ElementsAre(StartsWith("d.toml: loss "), StartsWith("d.toml:6:9: ")));
}

TEST(Plan, GivesTheFileForAPlaceWhereATableIsAbsent) {
  EXPECT_THAT(problems_of(DefinitionFile("[data]\nname = \"teacher_student\"\n")),
              ElementsAre(StartsWith("d.toml: loss 'cross_entropy' needs class labels")));
}

TEST(Plan, HasNothingToSayOfTheSettingsOfATextThatIsNotToml) {
  EXPECT_THAT(problems_of(DefinitionFile("[model]\ndepth = \n"), {"model.depth=-1"}), SizeIs(1));
}

TEST(Plan, RefusesAPlanOfMoreThanAMillionRunsWithoutExpandingIt) {
  const DefinitionFile file(
      "[sweep]\nseeds = 500001\n[sweep.grid]\nmodel.depth = [1, 2]\ntrain.batch = [1]\n");
  EXPECT_THAT(problems_of(file), ElementsAre("d.toml:4:9: the sweep has 2 x 1 x 500001 runs; "
                                             "allowed are at most 1000000 without --yes"));
}

TEST(Plan, HasMoreThanAMillionRunsWhereTheyAreMeantAndEvenThenNoMoreThanTenMillion) {
  const DefinitionFile file(
      "[sweep]\nseeds = 1000000\n[sweep.grid]\nmodel.depth = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, "
      "11]\n");
  const auto problems = [&](std::int64_t most) {
    std::vector<Problem> found;
    Definition definition = read_definition(file.path(), {}, found);
    try {
      make_plan(std::move(definition), std::move(found), {}, most);
    } catch (const DefinitionError& error) {
      return file.lines(error.problems());
    }
    return Lines();
  };
  EXPECT_THAT(problems(most_runs(false)),
              ElementsAre("d.toml:4:9: the sweep has 11 x 1000000 runs; allowed are at most "
                          "1000000 without --yes"));
  EXPECT_THAT(
      problems(most_runs(true)),
      ElementsAre("d.toml:4:9: the sweep has 11 x 1000000 runs; allowed are at most 10000000"));
  const DefinitionFile few("[sweep]\nseeds = 3\n");
  std::vector<Problem> found;
  EXPECT_THROW(make_plan(read_definition(few.path(), {}, found), {}, {}, 2), DefinitionError);
  EXPECT_THAT(make_plan(read_definition(few.path(), {}, found), {}, {}, 3).runs, SizeIs(3));
}

TEST(Plan, RefusesAxesWhoseProductOverflowsAnInteger) {
  std::string grid = "[sweep.grid]\n";
  for (int axis = 0; axis < 20; ++axis) {
    grid += "probes.p" + std::to_string(axis) + ".every = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n";
  }
  EXPECT_THAT(problems_of(DefinitionFile(grid)), SizeIs(1));
}

TEST(Plan, HasTheFirstAxisSlowestAndTheSeedInnermost) {
  const DefinitionFile file(
      "[sweep]\nseeds = [3, 1]\n[sweep.grid]\ntrain.batch = [7, 5]\nmodel.depth = [1, 2]\n");
  const Plan plan = plan_of(file);
  EXPECT_THAT(shapes_of(plan),
              ElementsAre("1 7 3", "1 7 1", "2 7 3", "2 7 1", "1 5 3", "1 5 1", "2 5 3", "2 5 1"));
  EXPECT_THAT(plan.runs[6].points, ElementsAre(1, 1, 0));
}

TEST(Plan, OfADefinitionWithoutASweepIsOneRun) {
  EXPECT_THAT(shapes_of(plan_of(DefinitionFile("[model]\ndepth = 3\n[train]\nbatch = 4\n"))),
              ElementsAre("3 4 0"));
}

TEST(Plan, AppliesOverridesToItsRuns) {
  const DefinitionFile file("[sweep]\nseeds = 2\n[sweep.grid]\nmodel.depth = [1, 2]\n");
  EXPECT_THAT(shapes_of(plan_of(file, {"model.depth=9", "train.batch=3,4", "sweep.seeds=1"})),
              ElementsAre("9 3 0", "9 4 0"));
}

TEST(Plan, LeavesNothingOfOneValueBehindForTheNext) {
  const DefinitionFile file("[sweep.grid]\ntrain = [{ batch = 3, steps = 7 }, { steps = 8 }]\n");
  const Plan plan = plan_of(file);
  EXPECT_THAT(shapes_of(plan), ElementsAre("10 3 0", "10 128 0"));
  EXPECT_EQ(value_of(plan.runs[1], "train.steps"), "8");
}

TEST(Plan, GivesTheRunsOfAnOptimizerItsOwnSettings) {
  const DefinitionFile file(
      "[optimizer]\nlr = 0.5\n"
      "[sweep.grid]\noptimizer = [{ name = \"adam\", beta1 = 0.8 }, \"sgd\"]\n");
  const Plan plan = plan_of(file);
  ASSERT_THAT(plan.runs, SizeIs(2));
  EXPECT_EQ(value_of(plan.runs[0], "optimizer.name"), "\"adam\"");
  EXPECT_EQ(plan.runs[0].configuration.optimizer.plugin.given.find("lr"), nullptr);
  EXPECT_EQ(value_of(plan.runs[1], "optimizer.name"), "\"sgd\"");
  EXPECT_NE(plan.runs[1].configuration.optimizer.plugin.given.find("lr"), nullptr);
  EXPECT_EQ(plan.runs[1].configuration.optimizer.plugin.given.find("beta1"), nullptr);
}

TEST(Plan, HasRunsOfSixteenHexDigitsThatAllDiffer) {
  const Plan plan = plan_of(DefinitionFile(
      "[sweep]\nseeds = 4\n[sweep.grid]\nmodel.depth = [1, 2]\noptimizer.lr = [0.1, 0.2]\n"));
  EXPECT_THAT(ids_of(plan), SizeIs(16));
  for (const std::string& id : ids_of(plan)) {
    EXPECT_EQ(id.size(), 16u);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  }
}

TEST(Plan, HasTheSameRunsHoweverTheDefinitionIsWritten) {
  const DefinitionFile one(
      "title = \"one\"\n[model]\ndepth = 3\nwidth = 10\nactivation = \"relu\"\n"
      "[sweep]\nseeds = 2\n[sweep.grid]\noptimizer.lr = [0.1, 1]\ntrain.batch = [8, 16]\n");
  const DefinitionFile other(
      "[sweep.grid.train]\nbatch = [16, 8]\nseed = [1, 0]\n[sweep.grid.optimizer]\nlr = [1.0, "
      "1e-1]\n"
      "[model]\nactivation = { name = \"relu\" }\nwidth = 10\ndepth = 3\n");
  EXPECT_EQ(ids_of(plan_of(one)), ids_of(plan_of(other)));
  EXPECT_NE(ids_of(plan_of(one)), ids_of(plan_of(one, {"train.batch=11"})));
}

TEST(Plan, CostsOneRunOfACombinationWhatEachOfItCosts) {
  const Plan plan =
      plan_of(DefinitionFile("[sweep]\nseeds = 2\n[sweep.grid]\nmodel.depth = [1, 9]\n"));
  ASSERT_THAT(plan.runs, SizeIs(4));
  for (const RunSpec& run : plan.runs) EXPECT_EQ(run.cost, run.configuration.cost());
  EXPECT_GT(plan.runs[0].cost, 0);
  EXPECT_GT(plan.runs[2].cost, plan.runs[0].cost);
}

TEST(Plan, RefusesAnAxisThatALaterOneReplaces) {
  const DefinitionFile file("[sweep]\nseeds = 9\n[sweep.grid]\nmodel.depth = [1, 2]\n");
  EXPECT_THAT(
      problems_of(file, {"model={ depth = 4 },{ depth = 5 }"}),
      ElementsAre("model={ depth = 4 },{ depth = 5 }: 'model.depth' = 2 makes the same run as "
                  "'model.depth' = 1 (d.toml:6:19)"));
}

}  // namespace
}  // namespace plumbline
