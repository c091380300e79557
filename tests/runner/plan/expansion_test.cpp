// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/expansion.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/plan/stages.hpp"
#include "tests/runner/definition_file.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

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

Lines labels_of(const Plan& plan) {
  Lines labels;
  for (std::size_t i = 0; i < plan.runs.size(); ++i) labels.push_back(run_label(plan, i));
  return labels;
}

std::set<std::string> ids_of(const Plan& plan) {
  std::set<std::string> ids;
  for (const RunSpec& run : plan.runs) ids.insert(run.run_id);
  return ids;
}

bool contains(const std::set<std::string>& larger, const std::set<std::string>& smaller) {
  return std::includes(larger.begin(), larger.end(), smaller.begin(), smaller.end());
}

TEST(Expansion, MovesZippedSettingsTogetherAndHasTheSeedInnermost) {
  const Plan plan =
      plan_of(DefinitionFile("[sweep]\nseeds = 2\n"
                             "[[sweep.zip]]\nmodel.depth = [1, 2]\nmodel.width = [30, 20]\n"
                             "[sweep.grid]\ntrain.batch = [7]\n"));
  EXPECT_THAT(labels_of(plan),
              ElementsAre("model.depth=1 model.width=30 train.batch=7 train.seed=0",
                          "model.depth=1 model.width=30 train.batch=7 train.seed=1",
                          "model.depth=2 model.width=20 train.batch=7 train.seed=0",
                          "model.depth=2 model.width=20 train.batch=7 train.seed=1"));
  EXPECT_THAT(plan.runs[3].points, ElementsAre(1, 0, 1));
}

TEST(Expansion, LeavesOutTheRunsOfWhichAllKeysHaveTheValue) {
  const DefinitionFile file(
      "[model]\nwidth = 10\n"
      "[sweep.grid]\n"
      "model.depth = [1, 2, 3]\n"
      "model.activation = [\"tanh\", { name = \"leaky_relu\", slope = 0.2 }]\n"
      "[[sweep.exclude]]\n"
      "model.depth = [1.0, 3]\n"
      "model.activation = \"leaky_relu\"\n"
      "model.width = 10\n");
  const Plan plan = plan_of(file);
  EXPECT_THAT(labels_of(plan),
              ElementsAre("model.depth=1 model.activation=tanh train.seed=0",
                          "model.depth=2 model.activation=tanh train.seed=0",
                          "model.depth=2 model.activation={ name = \"leaky_relu\", slope = 0.2 } "
                          "train.seed=0",
                          "model.depth=3 model.activation=tanh train.seed=0"));
  EXPECT_EQ(plan.excluded, 2U);
  EXPECT_EQ(number_of_runs(plan.definition), 4U);
  EXPECT_THAT(plan_of(file, {"model.width=11"}).runs, SizeIs(6));
}

TEST(Expansion, LeavesOutSeedsAndTablesByWhatIsSaidOfThem) {
  const DefinitionFile seeds(
      "[sweep]\nseeds = [3, 4]\n[sweep.grid]\nmodel.depth = [1, 2]\n"
      "[[sweep.exclude]]\ntrain.seed = 4\nmodel.depth = 1\n");
  EXPECT_THAT(labels_of(plan_of(seeds)),
              ElementsAre("model.depth=1 train.seed=3", "model.depth=2 train.seed=3",
                          "model.depth=2 train.seed=4"));
  const DefinitionFile tables(
      "[sweep.grid]\noptimizer = [{ name = \"sgd\", lr = 1 }, { name = \"sgd\", lr = 2 }, "
      "\"adam\"]\n"
      "[[sweep.exclude]]\noptimizer = [{ name = \"sgd\", lr = 2 }]\n"
      "[[sweep.exclude]]\noptimizer.name = \"adam\"\n");
  EXPECT_THAT(labels_of(plan_of(tables)),
              ElementsAre("optimizer={ name = \"sgd\", lr = 1 } train.seed=0"));
}

// What is left out is not checked: that may be why it is.
TEST(Expansion, AsksNothingOfRunsThatAreLeftOut) {
  EXPECT_THAT(problems_of(DefinitionFile(
                  "[optimizer]\nbeta1 = 0.8\n[sweep.grid]\noptimizer.name = [\"adam\", \"sgd\"]\n"
                  "[[sweep.exclude]]\noptimizer.name = \"sgd\"\n")),
              IsEmpty());
}

TEST(Expansion, WarnsOfExclusionsThatLeaveNothingOutAndRefusesThoseThatLeaveNothing) {
  const DefinitionFile idle(
      "[sweep.grid]\nmodel.depth = [1, 2]\n[[sweep.exclude]]\nmodel.depth = 5\n");
  EXPECT_THAT(idle.lines(plan_of(idle).warnings),
              ElementsAre("d.toml:5:1: 'sweep.exclude' leaves out no run"));
  EXPECT_THAT(problems_of(DefinitionFile(
                  "[sweep.grid]\nmodel.depth = [1, 2]\n[[sweep.exclude]]\nmodel.depth = [1, 2]\n")),
              ElementsAre("d.toml:5:1: 'sweep.exclude' leaves out every run"));
}

TEST(Expansion, HasTheRunsOfOneStudyAfterThoseOfTheOther) {
  const Plan plan =
      plan_of(DefinitionFile("[optimizer]\nlr = 0.5\n"
                             "[sweep.grid]\nmodel.depth = [1, 2]\n"
                             "[[study]]\nname = \"heavy\"\nset.optimizer.name = \"momentum\"\n"
                             "[[study]]\nset.optimizer.lr = 0.25\nset.train.seed = 4\n"));
  EXPECT_THAT(labels_of(plan), ElementsAre("study=heavy model.depth=1 train.seed=0",
                                           "study=heavy model.depth=2 train.seed=0",
                                           "study=2 model.depth=1 train.seed=4",
                                           "study=2 model.depth=2 train.seed=4"));
  EXPECT_EQ(plan.runs[1].configuration.optimizer.plugin.name, "momentum");
  EXPECT_EQ(plan.runs[2].configuration.optimizer.plugin.name, "sgd");
  EXPECT_EQ(plan.runs[2].study, 1U);
  EXPECT_EQ(to_string({settings_of(plan.definition, plan.runs[3]), {}}),
            "{ optimizer = { lr = 0.25 }, train = { seed = 4 }, model = { depth = 2 } }");
}

TEST(Expansion, GivesEveryCellTheSameTrials) {
  for (const std::string method : {"random", "halton"}) {
    const Plan plan = plan_of(DefinitionFile(
        "[sweep.grid]\nmodel.depth = [1, 2]\n[[study]]\n[study.search]\nmethod = \"" + method +
        "\"\ntrials = 5\nseed = 7\n[study.search.space]\n"
        "optimizer.lr = { min = 1e-3, max = 1.0, scale = \"log\" }\n"
        "train.batch = { min = 4, max = 9 }\n"));
    ASSERT_THAT(plan.runs, SizeIs(10));
    std::set<std::string> different;
    for (std::size_t i = 0; i < 5; ++i) {
      const std::string one = run_label(plan, i);
      const std::string other = run_label(plan, i + 5);
      EXPECT_EQ(one.substr(one.find(' ')), other.substr(other.find(' ')));
      EXPECT_TRUE(one.starts_with("model.depth=1 ") && other.starts_with("model.depth=2 "));
      different.insert(one);
    }
    EXPECT_THAT(different, SizeIs(5));
  }
}

TEST(Expansion, GivesADimensionToTheRunsForWhichItsConditionHolds) {
  const DefinitionFile grid(
      "[[study]]\n[study.search]\nmethod = \"grid\"\n[study.search.space]\n"
      "optimizer.name = [\"sgd\", \"momentum\"]\n"
      "optimizer.momentum = { values = [0.5, 0.9], when = { \"optimizer.name\" = \"momentum\" } "
      "}\n");
  const Lines expected = {"optimizer.name=sgd train.seed=0",
                          "optimizer.name=momentum optimizer.momentum=0.5 train.seed=0",
                          "optimizer.name=momentum optimizer.momentum=0.9 train.seed=0"};
  EXPECT_EQ(labels_of(plan_of(grid)), expected);
  EXPECT_EQ(number_of_runs(plan_of(grid).definition), 3U);
  // The command line decides as the text would.
  EXPECT_THAT(labels_of(plan_of(grid, {"optimizer.name=sgd"})), ElementsAre("train.seed=0"));

  // By an axis of the sweep: trials that are then equal are one.
  const Plan trials = plan_of(DefinitionFile(
      "[sweep.grid]\noptimizer.name = [\"sgd\", \"momentum\"]\n"
      "[[study]]\n[study.search]\nmethod = \"random\"\ntrials = 3\n[study.search.space]\n"
      "optimizer.momentum = { min = 0.1, max = 0.9, when.optimizer.name = [\"momentum\"] }\n"));
  ASSERT_THAT(trials.runs, SizeIs(4));
  EXPECT_EQ(run_label(trials, 0), "optimizer.name=sgd train.seed=0");
}

TEST(Expansion, RefusesTheSameRunInTwoStudies) {
  EXPECT_THAT(
      problems_of(DefinitionFile("[sweep]\nseeds = 3\n"
                                 "[[study]]\nname = \"a\"\n[study.search]\nmethod = \"grid\"\n"
                                 "space.model.depth = [1, 2]\n"
                                 "[[study]]\nname = \"b\"\nset.model.depth = 2\n")),
      ElementsAre(
          "d.toml:10:1: the study 'b' with 'train.seed' = 0 makes the same run as the study "
          "'a' with 'model.depth' = 2, 'train.seed' = 0"));
}

TEST(Expansion, NamesTheStudyOfAMistakeThatNotAllHave) {
  const std::string base = "[optimizer]\nbeta1 = 0.8\n";
  EXPECT_THAT(
      problems_of(DefinitionFile(base +
                                 "[[study]]\nset.optimizer.name = \"adam\"\n[[study]]\nname = "
                                 "\"plain\"\nset.optimizer.name = \"sgd\"\n")),
      ElementsAre("d.toml:4:9: 'optimizer.beta1' is not a setting of sgd; known are lr (with study "
                  "= \"plain\")"));
  EXPECT_THAT(
      problems_of(DefinitionFile(base + "[[study]]\n[study.search]\nmethod = \"grid\"\n"
                                        "space.optimizer.name = [\"adam\", \"sgd\"]\n"
                                        "[[study]]\nset.optimizer.name = \"sgd\"\n")),
      ElementsAre("d.toml:4:9: 'optimizer.beta1' is not a setting of sgd; known are lr (with study "
                  "= \"1\", optimizer.name = \"sgd\"; and 1 more)"));
  // A place within one study tells which.
  EXPECT_THAT(problems_of(DefinitionFile("[[study]]\nset.model.depth = -1\n[[study]]\n")),
              ElementsAre("d.toml:4:19: 'model.depth' is -1; allowed is in [0, 1e+05]"));
  // All have it.
  EXPECT_THAT(problems_of(DefinitionFile("[model]\ndepth = -1\n[[study]]\n[[study]]\n"
                                         "set.model.width = 3\n")),
              ElementsAre("d.toml:4:9: 'model.depth' is -1; allowed is in [0, 1e+05]"));
}

TEST(Expansion, NamesTheCombinationOfAMistakeOverZipsAndWhatIsLeftOut) {
  const std::string base = "[optimizer]\nbeta1 = 0.8\n";
  EXPECT_THAT(
      problems_of(DefinitionFile(base + "[[sweep.zip]]\noptimizer.name = [\"adam\", \"sgd\"]\n"
                                        "model.depth = [1, 2]\n")),
      ElementsAre("d.toml:4:9: 'optimizer.beta1' is not a setting of sgd; known are lr "
                  "(with optimizer.name = \"sgd\", model.depth = 2)"));
  // With depth 2 there is no run of sgd, and so the depth makes no difference.
  EXPECT_THAT(
      problems_of(DefinitionFile(base + "[sweep.grid]\noptimizer.name = [\"adam\", \"sgd\"]\n"
                                        "model.depth = [1, 2, 3]\n"
                                        "[[sweep.exclude]]\noptimizer.name = \"sgd\"\n"
                                        "model.depth = 2\n")),
      ElementsAre("d.toml:4:9: 'optimizer.beta1' is not a setting of sgd; known are lr "
                  "(with optimizer.name = \"sgd\")"));
}

TEST(Expansion, ReportsADimensionOnceHoweverManyTrialsAreWrong) {
  EXPECT_THAT(problems_of(DefinitionFile("[[study]]\n[study.search]\nmethod = \"halton\"\n"
                                         "trials = 20\n[study.search.space]\n"
                                         "optimizer.lr = { min = -3, max = -1 }\n"
                                         "model.depth = [1, 2, 3, 4, 5, 6, 7]\n")),
              ElementsAre(testing::ContainsRegex(
                  "^d.toml:8:16: 'optimizer.lr' is -[123]; allowed is > 0$")));
}

TEST(Expansion, CountsTheRunsOfAllStudies) {
  EXPECT_THAT(
      problems_of(DefinitionFile("[sweep]\nseeds = 600000\n[[study]]\n[[study]]\n"
                                 "set.model.depth = 2\n")),
      ElementsAre("d.toml:4:9: the study '1' has 600000 runs; allowed are at most 1000000 of "
                  "all studies without --yes"));
}

const std::string kSpace =
    "[study.search.space]\n"
    "optimizer.lr = { min = 1e-3, max = 1.0, scale = \"log\" }\n"
    "model.width = [8, 16]\n";
const std::string kTurnedSpace =
    "[study.search.space]\n"
    "model.width = [8, 16]\n"
    "optimizer.lr = { scale = \"log\", max = 1.0, min = 1e-3 }\n";

std::string searched(const std::string& method, const std::string& trials, const std::string& space,
                     const std::string& depths = "1, 2") {
  return "[sweep]\nseeds = 2\n[sweep.grid]\nmodel.depth = [" + depths + "]\n[[study]]\n" +
         "name = \"a\"\n[study.search]\nmethod = \"" + method + "\"\ntrials = " + trials + '\n' +
         space;
}

TEST(RunIds, StayWhereADefinitionIsWrittenOtherwiseOrGrows) {
  for (const std::string method : {"random", "halton"}) {
    const std::set<std::string> ids =
        ids_of(plan_of(DefinitionFile(searched(method, "6", kSpace))));
    EXPECT_THAT(ids, SizeIs(24));
    // Keys in another order, under another name in another folder, without a name of the study.
    EXPECT_EQ(ids_of(plan_of(DefinitionFile(searched(method, "6", kTurnedSpace)))), ids);
    EXPECT_EQ(ids_of(plan_of(DefinitionFile("name = \"other\"\nschema = 1\n",
                                            searched(method, "6", kSpace, "2, 1")))),
              ids);
    // More values of an axis, more trials, one more study: the runs that were there are there.
    const Lines larger = {searched(method, "6", kSpace, "1, 5, 2"), searched(method, "9", kSpace),
                          searched(method, "6", kSpace) + "[[study]]\nset.train.batch = 9\n"};
    for (const std::string& text : larger) {
      EXPECT_TRUE(contains(ids_of(plan_of(DefinitionFile(text))), ids)) << text;
    }
  }
}

TEST(RunIds, DifferWhereWhatIsComputedDoes) {
  const std::set<std::string> ids =
      ids_of(plan_of(DefinitionFile(searched("random", "6", kSpace))));
  const auto shared = [&](const std::string& text, const Lines& overrides = {}) {
    std::size_t count = 0;
    for (const std::string& id : ids_of(plan_of(DefinitionFile(text), overrides))) {
      count += ids.count(id);
    }
    return count;
  };
  EXPECT_EQ(shared(searched("random", "6", kSpace)), 24U);
  EXPECT_EQ(shared(searched("halton", "6", kSpace)), 0U);
  EXPECT_EQ(shared(searched("random", "6", "seed = 1\n" + kSpace)), 0U);
  EXPECT_EQ(shared(searched("random", "6", kSpace), {"train.batch=9"}), 0U);
  EXPECT_EQ(shared(searched("random", "6", kSpace), {"sweep.seeds=5,6"}), 0U);
}

}  // namespace
}  // namespace plumbline
