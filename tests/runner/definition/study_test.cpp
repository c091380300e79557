// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/study_reader.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/definition_file.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct BadText {
  const char* body;
  Lines problems;
};

const std::vector<BadText> kBadTexts{
    {"study = 3\n", {"d.toml:3:9: 'study' is an integer; expected a list of tables, [[study]]"}},
    {"[study]\nname = \"a\"\n",
     {"d.toml:3:1: 'study' is a table; expected a list of tables, [[study]]"}},
    {"study = []\n", {"d.toml:3:9: 'study' is an empty list"}},
    {"study = [3]\n", {"d.toml:3:10: 'study' is an integer; expected a table"}},
    {"[[study]]\nnmae = \"a\"\n",
     {"d.toml:4:8: 'study.nmae' is not a setting; did you mean 'name'?"}},
    {"[[study]]\nname = 3\n", {"d.toml:4:8: 'study.name' is an integer; expected a text"}},
    {"[[study]]\nname = \"a b\"\n",
     {"d.toml:4:8: 'study.name' is \"a b\"; allowed are letters, digits, '_', '-' and '.'"}},
    {"[[study]]\nname = \"a\"\n[[study]]\nname = \"a\"\n",
     {"d.toml:5:1: the study 'a' has the name of the one at d.toml:3:1"}},
    {"[[study]]\nname = \"2\"\n[[study]]\n",
     {"d.toml:5:1: the study '2' has the name of the one at d.toml:3:1"}},

    {"[[study]]\nset = 3\n", {"d.toml:4:7: 'study.set' is an integer; expected a table"}},
    {"[[study]]\nset.optimiser.lr = 3\n",
     {"d.toml:4:20: 'optimiser.lr' is not a setting; did you mean 'optimizer'?"}},
    {"[[study]]\nset.optimizer = 3\n",
     {"d.toml:4:17: 'optimizer' is an integer; expected a table"}},
    {"[[study]]\nset.sweep.seeds = 3\n",
     {"d.toml:4:19: 'sweep.seeds' is not a setting; known are data, model, loss, optimizer, "
      "schedule, train, budget, engine, probes"}},
    {"[model]\ndepth = 2\n[[study]]\nset.model.depth.x = 3\n",
     {"d.toml:6:21: 'model.depth' is an integer, so it has no setting 'x'"}},
    {"[sweep.grid]\nmodel.depth = [1, 2]\n[[study]]\nset.model.depth = 3\n",
     {"d.toml:6:19: 'model.depth' reaches no run: it is an axis of the sweep, at d.toml:4:15"}},
    {"[[study]]\nset.optimizer.lr = 0.1\n[study.search]\nmethod = \"grid\"\n"
     "space.optimizer.lr = [0.1, 0.2]\n",
     {"d.toml:4:20: 'optimizer.lr' reaches no run: it is a dimension of the search, at "
      "d.toml:7:22"}},
    {"[[study]]\nset.train.seed = \"x\"\n[[study]]\n",
     {"d.toml:4:18: 'train.seed' is a text; expected an integer"}},
    // What all studies have is one mistake.
    {"[sweep]\nseeds = 0\n[[study]]\n[[study]]\n",
     {"d.toml:4:9: 'sweep.seeds' is 0; allowed is in [1, 1000000]"}},
};

TEST(Study, NamesThePlaceOfEachMistakeAndWhatWouldBeRight) {
  for (const BadText& bad : kBadTexts) {
    EXPECT_EQ(read(DefinitionFile(bad.body)).problems, bad.problems) << bad.body;
  }
}

TEST(Study, HasWhatTheDefinitionHasAndItsOwnWhereverThatStands) {
  const DefinitionFile file(
      "[[study]]\n"
      "name = \"small\"\n"
      "set.model.depth = 2\n"
      "[[study]]\n"
      "set.model.activation = { name = \"elu\" }\n"
      "set.train.seed = 5\n"
      "[model]\n"
      "depth = 9\n"
      "[sweep]\n"
      "seeds = 2\n"
      "[sweep.grid]\n"
      "train.batch = [3, 4]\n");
  const ReadResult result = read(file);
  EXPECT_THAT(result.problems, IsEmpty());
  const Definition& definition = result.definition;
  ASSERT_THAT(definition.studies, SizeIs(2));
  EXPECT_EQ(definition.studies[0].name, "small");
  EXPECT_EQ(definition.studies[1].name, "2");
  EXPECT_EQ(base_of(definition, 0), "{ model = { depth = 2 } }");
  EXPECT_EQ(base_of(definition, 1),
            "{ model = { depth = 9, activation = { name = \"elu\" } }, train = { seed = 5 } }");
  EXPECT_THAT(axes_of(definition, 0), ElementsAre("train.batch: 3, 4", "train.seed: 0, 1"));
  EXPECT_THAT(axes_of(definition, 1), ElementsAre("train.batch: 3, 4", "train.seed: 5, 6"));
}

TEST(Study, AloneNeedsNoName) {
  EXPECT_EQ(read(DefinitionFile("[[study]]\n")).definition.studies.at(0).name, "");
  EXPECT_EQ(read(DefinitionFile("")).definition.studies.at(0).name, "");
}

TEST(Study, GivesWayToTheCommandLine) {
  const DefinitionFile file(
      "[[study]]\n"
      "set.optimizer.name = \"adam\"\n"
      "[study.search]\n"
      "method = \"grid\"\n"
      "space.model.depth = [1, 2]\n"
      "space.train.batch = [3, 4]\n"
      "[[study]]\n"
      "set.optimizer.name = \"sgd\"\n");
  const Definition one = read(file, {"optimizer=momentum", "model.depth=5"}).definition;
  for (const std::size_t study : {0U, 1U}) {
    EXPECT_EQ(base_of(one, study),
              "{ optimizer = { name = \"momentum\" }, model = { depth = 5 } }");
  }
  EXPECT_THAT(axes_of(one, 0), ElementsAre("train.batch: 3, 4", "train.seed: 0"));
  EXPECT_THAT(axes_of(one, 1), ElementsAre("train.seed: 0"));

  // An axis of the command line stands with those of the sweep.
  const Definition other = read(file, {"optimizer=momentum,sgd", "model.width=8,9"}).definition;
  EXPECT_THAT(axes_of(other, 0),
              ElementsAre("optimizer: \"momentum\", \"sgd\"", "model.width: 8, 9",
                          "model.depth: 1, 2", "train.batch: 3, 4", "train.seed: 0"));
  EXPECT_THAT(axes_of(other, 1), ElementsAre("optimizer: \"momentum\", \"sgd\"",
                                             "model.width: 8, 9", "train.seed: 0"));
}

TEST(Study, IsNotGivenOnTheCommandLine) {
  EXPECT_THAT(read(DefinitionFile("[[study]]\n"), {"study.name=a"}).problems,
              ElementsAre("study.name=a: 'study.name' is the definition's own and stands in its "
                          "text; what can be given here is a setting of data, model, loss, "
                          "optimizer, schedule, train, budget, engine, probes, or sweep.seeds"));
}

}  // namespace
}  // namespace plumbline
