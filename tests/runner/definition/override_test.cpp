// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/override.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/definition_file.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

struct OverriddenSeeds {
  const char* body;
  Lines overrides;
  const char* seeds;
};

TEST(DefinitionSeeds, FollowTheCommandLine) {
  const char* const kFive = "[train]\nseed = 10\n[sweep]\nseeds = 5\n";
  const char* const kGrid = "[sweep.grid]\ntrain.seed = [5, 4]\n";
  const std::vector<OverriddenSeeds> cases{
      {kFive, {"sweep.seeds=2"}, "train.seed: 10, 11"},
      {kFive, {"sweep.seeds=4,2"}, "train.seed: 4, 2"},
      {kFive, {"sweep.seeds=[4,2]"}, "train.seed: 4, 2"},
      {kFive, {"train.seed=7"}, "train.seed: 7"},
      {kFive, {"train.seed=7,3"}, "train.seed: 7, 3"},
      {kFive, {"train.seed=7", "sweep.seeds=2"}, "train.seed: 7, 8"},
      {kFive, {"sweep.seeds=2", "train.seed=7"}, "train.seed: 7, 8"},
      {kGrid, {"train.seed=7"}, "train.seed: 7"},
      {kGrid, {"train.seed=1,2,3"}, "train.seed: 1, 2, 3"},
      {kGrid, {"sweep.seeds=2"}, "train.seed: 0, 1"},
  };
  for (const OverriddenSeeds& given : cases) {
    const ReadResult result = read(DefinitionFile(given.body), given.overrides);
    EXPECT_THAT(result.problems, IsEmpty());
    EXPECT_EQ(axes_of(result.definition).back(), given.seeds)
        << given.body << testing::PrintToString(given.overrides);
  }
}

struct Overridden {
  Lines overrides;
  const char* base;
  Lines axes;
};

TEST(DefinitionOverrides, SetValuesAndAxes) {
  const DefinitionFile file(
      "[model]\nwidth = 9\nactivation = \"tanh\"\n"
      "[sweep.grid]\nmodel.depth = [2, 8]\noptimizer.name = [\"sgd\", \"adam\"]\n");
  const std::string kModel = "{ model = { width = 9, activation = \"tanh\" } }";
  const std::string kDepth = "model.depth: 2, 8";
  const std::string kOptimizer = "optimizer.name: \"sgd\", \"adam\"";
  const std::string kSeed = "train.seed: 0";
  const std::vector<Overridden> cases{
      {{}, kModel.c_str(), {kDepth, kOptimizer, kSeed}},
      {{"model.width=64"},
       "{ model = { width = 64, activation = \"tanh\" } }",
       {kDepth, kOptimizer, kSeed}},
      {{"model.width=64", "model.width=65"},
       "{ model = { width = 65, activation = \"tanh\" } }",
       {kDepth, kOptimizer, kSeed}},
      {{"model.activation=relu"},
       "{ model = { width = 9, activation = \"relu\" } }",
       {kDepth, kOptimizer, kSeed}},
      {{"model.activation='relu'"},
       "{ model = { width = 9, activation = \"relu\" } }",
       {kDepth, kOptimizer, kSeed}},
      {{"model.activation={ name = \"elu\", alpha = 2 }"},
       "{ model = { width = 9, activation = { name = \"elu\", alpha = 2 } } }",
       {kDepth, kOptimizer, kSeed}},
      {{"model.activation.slope=0.3"},
       "{ model = { width = 9, activation = { name = \"tanh\", slope = 0.3 } } }",
       {kDepth, kOptimizer, kSeed}},
      {{"model.depth=5"},
       "{ model = { width = 9, activation = \"tanh\", depth = 5 } }",
       {kOptimizer, kSeed}},
      {{"model.depth=1,16,64"}, kModel.c_str(), {"model.depth: 1, 16, 64", kOptimizer, kSeed}},
      {{"model.width=1,2"}, kModel.c_str(), {kDepth, kOptimizer, "model.width: 1, 2", kSeed}},
      {{"optimizer=momentum,adam"},
       kModel.c_str(),
       {kDepth, "optimizer: \"momentum\", \"adam\"", kSeed}},
      {{"optimizer=adam"},
       "{ model = { width = 9, activation = \"tanh\" }, optimizer = { name = \"adam\" } }",
       {kDepth, kSeed}},
      {{"model.activation=relu,{ name = \"elu\", alpha = 2 },\"a,b\",'c,\"'"},
       kModel.c_str(),
       {kDepth, kOptimizer,
        "model.activation: \"relu\", { name = \"elu\", alpha = 2 }, \"a,b\", \"c,\\\"\"", kSeed}},
      {{R"(data.file="a\",b",'c\')"},
       kModel.c_str(),
       {kDepth, kOptimizer, R"(data.file: "a\",b", "c\\")", kSeed}},
      {{"probes.a.steps=[0, 10]"},
       "{ model = { width = 9, activation = \"tanh\" }, probes = { a = { steps = [0, 10] } } }",
       {kDepth, kOptimizer, kSeed}},
      {{"probes.a.steps=[0,10],[5]"},
       kModel.c_str(),
       {kDepth, kOptimizer, "probes.a.steps: [0, 10], [5]", kSeed}},
      {{" optimizer.lr = 1e-3 "},
       "{ model = { width = 9, activation = \"tanh\" }, optimizer = { lr = 0.001 } }",
       {kDepth, kOptimizer, kSeed}},
      {{"data.file=12345678901e2345"},  // shaped like a number that none can hold
       "{ model = { width = 9, activation = \"tanh\" }, data = { file = \"12345678901e2345\" } }",
       {kDepth, kOptimizer, kSeed}},
      {{"data.shuffle=true"},
       "{ model = { width = 9, activation = \"tanh\" }, data = { shuffle = true } }",
       {kDepth, kOptimizer, kSeed}},
  };
  for (const Overridden& given : cases) {
    const ReadResult result = read(file, given.overrides);
    EXPECT_THAT(result.problems, IsEmpty()) << testing::PrintToString(given.overrides);
    EXPECT_EQ(base_of(result.definition), given.base) << testing::PrintToString(given.overrides);
    EXPECT_EQ(axes_of(result.definition), given.axes) << testing::PrintToString(given.overrides);
  }
}

TEST(DefinitionOverrides, HaveTheArgumentForAPlace) {
  const Definition definition = read(DefinitionFile(""), {"model.depth=2,8"}).definition;
  EXPECT_EQ(definition.studies.at(0).axes.at(0).points.at(1).at(0).value.place,
            (Place{"model.depth=2,8", 0, 0}));
}

struct BadOverride {
  const char* argument;
  const char* problem;
};

TEST(DefinitionOverrides, AreRefusedWithTheArgumentAndTheNearestName) {
  const std::vector<BadOverride> cases{
      {"model.depth", "there is no '='; expected key=value"},
      {"=3", "'' is not a key; expected names with dots between them"},
      {"model..depth=3", "'model..depth' is not a key; expected names with dots between them"},
      {"model.=3", "'model.' is not a key; expected names with dots between them"},
      {"model depth=3", "'model depth' is not a key; expected names with dots between them"},
      {"model.depth=", "'model.depth' has no value"},
      {"model.depth=2,,3", "'model.depth' has an empty value beside a comma"},
      {"model.depth=2,", "'model.depth' has an empty value beside a comma"},
      {"model.depth=2,8,2", "'model.depth' has the value 2 twice"},
      {"modle.depth=3", "'modle.depth' is not a setting; did you mean 'model'?"},
      {"seeds=3",
       "'seeds' is not a setting; known are data, model, loss, optimizer, schedule, train, budget, "
       "engine, probes, sweep"},
      {"models.depth=3", "'models.depth' is not a setting; did you mean 'model'?"},
      {"budgets.max_seconds=3", "'budgets.max_seconds' is not a setting; did you mean 'budget'?"},
      {"sweep.grid.model.depth=3",
       "'sweep.grid.model.depth' cannot be given here; model.depth=VALUE sets it, and "
       "model.depth=VALUE,VALUE makes it an axis"},
      {"schema=2",
       "'schema' is the definition's own and stands in its text; what can be given here is a "
       "setting of data, model, loss, optimizer, schedule, train, budget, engine, probes, or "
       "sweep.seeds"},
      {"about.paper=x",
       "'about.paper' is the definition's own and stands in its text; what can be given here is a "
       "setting of data, model, loss, optimizer, schedule, train, budget, engine, probes, or "
       "sweep.seeds"},
      {"sweep.seed=3", "'sweep.seed' is not a setting; did you mean 'seeds'?"},
      {"sweep=3", "'sweep' is not a setting; known are seeds"},
      {"sweep.seeds=x", "'sweep.seeds' is a text; expected an integer or a list of integers"},
      {"sweep.seeds=0", "'sweep.seeds' is 0; allowed is in [1, 1000000]"},
      {"model=3", "'model' is an integer; expected a table"},
      {"model=mlp", "'model' is a text; expected a table"},
      {"train.seed=x", "'train.seed' is a text; expected an integer"},
      {"train.start=2024-05-17", "'train.start' is a date or a time, which no setting is"},
      {"model.depth.x=3", "'model.depth' is an integer, so it has no setting 'x'"},
  };
  const DefinitionFile file("[model]\ndepth = 4\n");
  for (const BadOverride& bad : cases) {
    EXPECT_THAT(read(file, {bad.argument}).problems,
                ElementsAre(std::string(bad.argument) + ": " + bad.problem));
  }
}

TEST(DefinitionOverrides, AreRefusedWhereQuotesOrBracketsAreOpen) {
  for (const std::string value : {"\"relu", "{ name = \"relu\"", "[1, 2", "{ name = relu }"}) {
    const std::string argument = "model.activation=" + value;
    EXPECT_THAT(read(DefinitionFile(""), {argument}).problems,
                ElementsAre(StartsWith(argument + ": 'model.activation': ")));
  }
}

TEST(DefinitionOverrides, CannotGiveTheSeedsTwice) {
  EXPECT_THAT(read(DefinitionFile(""), {"train.seed=1,2", "sweep.seeds=3"}).problems,
              ElementsAre("train.seed=1,2: 'train.seed' is an axis, and 'sweep.seeds' gives the "
                          "seeds too"));
}

}  // namespace
}  // namespace plumbline
