// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/definition.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/definition_file.hpp"

namespace plumbline {
namespace {

using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct BadText {
  const char* body;
  Lines problems;
};

const std::vector<BadText> kBadTexts{
    // Names that nobody knows.
    {"[modle]\ndepth = 2\n", {"d.toml:3:1: 'modle' is not a setting; did you mean 'model'?"}},
    {"tilte = \"x\"\n", {"d.toml:3:9: 'tilte' is not a setting; did you mean 'title'?"}},
    {"[claim]\nid = 1\n",
     {"d.toml:3:1: 'claim' is not a setting; known are schema, name, title, about, data, model, "
      "loss, optimizer, schedule, train, budget, engine, probes, sweep, study"}},
    {"[about]\nqestion = \"?\"\n",
     {"d.toml:4:11: 'about.qestion' is not a setting; did you mean 'question'?"}},
    {"[sweep]\nseed = 3\n", {"d.toml:4:8: 'sweep.seed' is not a setting; did you mean 'seeds'?"}},
    {"[sweep]\nzap = 3\n", {"d.toml:4:7: 'sweep.zap' is not a setting; did you mean 'zip'?"}},
    {"[sweep.grid]\nmodle.depth = [2, 8]\n",
     {"d.toml:4:15: 'modle.depth' is not a setting; did you mean 'model'?"}},
    {"[sweep.grid]\ndepth = [2, 8]\n",
     {"d.toml:4:9: 'depth' is not a setting; known are data, model, loss, optimizer, schedule, "
      "train, budget, engine, probes"}},

    // Values of the wrong type.
    {"title = 3\n", {"d.toml:3:9: 'title' is an integer; expected a text"}},
    {"about = \"x\"\n", {"d.toml:3:9: 'about' is a text; expected a table"}},
    {"[about]\npaper = [1]\n", {"d.toml:4:9: 'about.paper' is a list; expected a text"}},
    {"[about]\nquestion = true\n", {"d.toml:4:12: 'about.question' is a flag; expected a text"}},
    {"[about]\nexpectation = 0.5\n",
     {"d.toml:4:15: 'about.expectation' is a number; expected a text"}},
    {"model = \"mlp\"\n", {"d.toml:3:9: 'model' is a text; expected a table"}},
    {"optimizer = 3\n", {"d.toml:3:13: 'optimizer' is an integer; expected a table"}},
    {"train = [1, 2]\n", {"d.toml:3:9: 'train' is a list; expected a table"}},
    {"sweep = 5\n", {"d.toml:3:9: 'sweep' is an integer; expected a table"}},
    {"sweep.grid = [1]\n", {"d.toml:3:14: 'sweep.grid' is a list; expected a table"}},
    {"[train]\nstart = 2024-05-17\n",
     {"d.toml:4:9: 'train.start' is a date or a time, which no setting is"}},
    {"[probes]\na = { steps = [07:30:00] }\n",
     {"d.toml:4:16: 'probes.a.steps' is a date or a time, which no setting is"}},

    // Seeds.
    {"[sweep]\nseeds = \"five\"\n",
     {"d.toml:4:9: 'sweep.seeds' is a text; expected an integer or a list of integers"}},
    {"[sweep]\nseeds = 2.0\n",
     {"d.toml:4:9: 'sweep.seeds' is a number; expected an integer or a list of integers"}},
    {"[sweep]\nseeds = 0\n", {"d.toml:4:9: 'sweep.seeds' is 0; allowed is in [1, 1000000]"}},
    {"[sweep]\nseeds = -3\n", {"d.toml:4:9: 'sweep.seeds' is -3; allowed is in [1, 1000000]"}},
    {"[sweep]\nseeds = 9223372036854775807\n",
     {"d.toml:4:9: 'sweep.seeds' is 9223372036854775807; allowed is in [1, 1000000]"}},
    {"[sweep]\nseeds = []\n", {"d.toml:4:9: 'sweep.seeds' is an axis without values"}},
    {"[sweep]\nseeds = [1, 2, 1]\n", {"d.toml:4:16: 'sweep.seeds' has the value 1 twice"}},
    {"[sweep]\nseeds = [1, 2.5]\n",
     {"d.toml:4:13: 'sweep.seeds' holds a number; expected integers"}},
    {"[train]\nseed = \"x\"\n", {"d.toml:4:8: 'train.seed' is a text; expected an integer"}},
    {"[train]\nseed = 9223372036854775800\n[sweep]\nseeds = 10\n",
     {"d.toml:4:8: 'train.seed' is 9223372036854775800; no 10 seeds follow from it"}},
    {"[sweep]\nseeds = 2\n[sweep.grid]\ntrain.seed = [1, 2]\n",
     {"d.toml:6:14: 'train.seed' is an axis, and 'sweep.seeds' gives the seeds too"}},

    // Axes.
    {"[sweep.grid]\nmodel.depth = 3\n",
     {"d.toml:4:15: 'model.depth' is an integer; expected a list of values, which makes an axis"}},
    {"[sweep.grid]\nmodel.activation = { name = \"relu\" }\n",
     {"d.toml:4:29: 'model.activation.name' is a text; expected a list of values, which makes an "
      "axis"}},
    {"[sweep.grid]\nmodel.depth = []\n", {"d.toml:4:15: 'model.depth' is an axis without values"}},
    {"[sweep.grid]\nmodel.depth = {}\n",
     {"d.toml:4:15: 'model.depth' is a table; expected a list of values, which makes an axis"}},
    {"[sweep.grid]\noptimizer.lr = [0.1, 0.2, 1e-1]\n",
     {"d.toml:4:27: 'optimizer.lr' has the value 0.1 twice"}},
    {"[sweep.grid]\noptimizer.lr = [1, 1.0]\n",
     {"d.toml:4:20: 'optimizer.lr' has the value 1 twice"}},
    {"[sweep.grid]\nmodel.activation = [{ name = \"elu\" }, { name = \"elu\" }]\n",
     {"d.toml:4:39: 'model.activation' has the value { name = \"elu\" } twice"}},
    {"[sweep.grid]\nmodel.depth = [1]\n\"model.depth\" = [2]\n",
     {"d.toml:5:17: 'model.depth' is an axis already, at d.toml:4:15"}},
    {"[sweep.grid]\nmodel.activation.name = [\"relu\"]\n\"model.activation\" = [\"tanh\"]\n",
     {"d.toml:5:22: 'model.activation' is an axis already, at d.toml:4:25"}},
    {"[sweep.grid]\nmodel = [1, \"mlp\"]\n",
     {"d.toml:4:10: 'model' is an integer; expected a table",
      "d.toml:4:13: 'model' is a text; expected a table"}},
};

TEST(Definition, RefusesSettingsThatTheTablesOfAnAxisReplace) {
  const DefinitionFile file(
      "[optimizer]\nname = \"adam\"\nlr = 0.1\n"
      "[sweep.grid]\n"
      "optimizer = [{ name = \"sgd\" }, { name = \"momentum\" }]\n"
      "model.activation = [{ name = \"silu\", beta = 2.0 }]\n");
  EXPECT_THAT(read(file).problems,
              ElementsAre("d.toml:5:6: 'optimizer.lr' reaches no run: each value of the axis "
                          "'optimizer' is a whole table"));
  EXPECT_THAT(read(file, {"model.activation.beta=3"}).problems, testing::SizeIs(2));
  // A value that is a name alone takes the rest from the table.
  EXPECT_THAT(read(DefinitionFile("[optimizer]\nlr = 0.1\n[sweep.grid]\n"
                                  "optimizer = [\"adam\", { name = \"sgd\" }]\n"))
                  .problems,
              testing::IsEmpty());
}

TEST(Definition, NamesThePlaceOfEachMistakeAndWhatWouldBeRight) {
  for (const BadText& bad : kBadTexts) {
    EXPECT_EQ(read(DefinitionFile(bad.body)).problems, bad.problems) << bad.body;
  }
}

TEST(Definition, NeedsASchemaThatThisProgramReadsAndAName) {
  const auto problems = [](const char* text) { return read(DefinitionFile("", text)).problems; };
  EXPECT_THAT(problems(""), ElementsAre("d.toml:1:1: 'schema' is missing; this program reads "
                                        "schema = 1",
                                        "d.toml:1:1: 'name' is missing"));
  EXPECT_THAT(problems("schema = 2\nname = \"d\""),
              ElementsAre("d.toml:1:10: 'schema' is 2; this program reads schema = 1"));
  EXPECT_THAT(problems("schema = \"1\"\nname = \"d\""),
              ElementsAre("d.toml:1:10: 'schema' is a text; expected the integer 1"));
  EXPECT_THAT(problems("schema = 1\nname = 4"),
              ElementsAre("d.toml:2:8: 'name' is an integer; expected a text"));
}

TEST(Definition, HasANameThatCanNameAFile) {
  for (const std::string name : {"", ".", "..", ".hidden", "a/b", "a b", "ä"}) {
    EXPECT_THAT(read(DefinitionFile("schema = 1\n", "name = \"" + name + '"')).problems,
                ElementsAre("d.toml:2:8: 'name' is \"" + name +
                            "\"; allowed are letters, digits, '_', '-' and, inside, '.'"));
  }
  for (const std::string name : {"a", "vanishing_gradient-2.1", "MNIST"}) {
    EXPECT_THAT(read(DefinitionFile("schema = 1\n", "name = \"" + name + '"')).problems, IsEmpty());
  }
}

TEST(Definition, ReportsAllMistakesOfTheTextAndTheCommandLineAtOnceInTheirOrder) {
  const DefinitionFile file(
      "tilte = \"x\"\n"
      "[about]\n"
      "papr = \"y\"\n"
      "[sweep]\n"
      "seeds = 0\n"
      "[sweep.grid]\n"
      "model.depth = []\n"
      "[modle]\n");
  EXPECT_THAT(read(file, {"modle.depth=3", "x"}).problems,
              ElementsAre("d.toml:3:9: 'tilte' is not a setting; did you mean 'title'?",
                          "d.toml:5:8: 'about.papr' is not a setting; did you mean 'paper'?",
                          "d.toml:9:15: 'model.depth' is an axis without values",
                          "d.toml:10:1: 'modle' is not a setting; did you mean 'model'?",
                          "modle.depth=3: 'modle.depth' is not a setting; did you mean 'model'?",
                          "x: there is no '='; expected key=value",
                          "d.toml:7:9: 'sweep.seeds' is 0; allowed is in [1, 1000000]"));
}

// The column and the words are toml++'s own and change with its version.
TEST(Definition, NamesTheLineWhereATextIsNotToml) {
  for (const char* body : {"depth = \n", "[model\n", "a = relu\n", "a = \"x\n", "a = 1 2\n"}) {
    const ReadResult result = read(DefinitionFile(body));
    EXPECT_THAT(result.problems, ElementsAre(ContainsRegex("^d.toml:3:[0-9]+: [A-Za-z']"))) << body;
    EXPECT_THAT(result.definition.studies, IsEmpty());
  }
  EXPECT_THAT(read(DefinitionFile("a = 1\na = 2\n")).problems,
              ElementsAre(StartsWith("d.toml:4:")));
}

TEST(Definition, ReportsWrongOverridesOfATextThatIsNotToml) {
  const ReadResult result = read(DefinitionFile("a = \n"), {"model.depth", "model.depth=1,2"});
  EXPECT_THAT(result.problems, ElementsAre(StartsWith("d.toml:3:"),
                                           "model.depth: there is no '='; expected key=value"));
  EXPECT_THAT(result.definition.studies, IsEmpty());
}

TEST(Definition, ThrowsWithThePathWhereAFileCannotBeRead) {
  std::vector<Problem> problems;
  try {
    read_definition("/no/such/file.toml", {}, problems);
    FAIL() << "nothing was thrown";
  } catch (const EnvironmentError& error) {
    EXPECT_STREQ(error.what(), "/no/such/file.toml: cannot be read: No such file or directory");
  }
  EXPECT_THROW(read_definition("/", {}, problems), EnvironmentError);
}

TEST(Definition, KeepsWhatTheTextSaysOfItself) {
  const DefinitionFile file(
      "title = \"A title\"\n"
      "[about]\n"
      "question = \"Why?\"\n"
      "expectation = \"Because.\"\n"
      "paper = \"Somebody 2010\"\n");
  const Definition definition = read(file).definition;
  EXPECT_EQ(definition.path, file.path());
  EXPECT_EQ(definition.name, "d");
  EXPECT_EQ(definition.title, "A title");
  EXPECT_EQ(definition.question, "Why?");
  EXPECT_EQ(definition.expectation, "Because.");
  EXPECT_EQ(definition.paper, "Somebody 2010");
  EXPECT_THAT(definition.text, StartsWith("schema = 1\nname = \"d\"\ntitle"));
}

TEST(Definition, HasItsNameForATitleWhereItHasNone) {
  EXPECT_EQ(read(DefinitionFile("")).definition.title, "d");
}

// The digest of "schema = 1\nname = \"d\"\n", from coreutils' sha256sum.
TEST(Definition, HasTheSha256OfItsText) {
  EXPECT_EQ(read(DefinitionFile("")).definition.sha256,
            "d5894976e76e8e2bc63e70f4d4abebbf97a7de866fb6814d331ccd64daab50b4");
}

TEST(Definition, KeepsTheOrderOfTheTextWhereTomlSortsByName) {
  const DefinitionFile file(
      "[train]\nsteps = 3\nbatch = 2\n"
      "[model]\nwidth = 1\ndepth = 4\nactivation = { slope = 0.5, name = \"x\" }\n"
      "[data]\nname = \"digits\"\n"
      "[probes.b]\nevery = 1\n[probes.a]\nevery = 2\n");
  EXPECT_EQ(base_of(read(file).definition),
            "{ train = { steps = 3, batch = 2 }, model = { width = 1, depth = 4, activation = { "
            "slope = 0.5, name = \"x\" } }, data = { name = \"digits\" }, probes = { b = { every = "
            "1 }, a = { every = 2 } } }");
}

TEST(Definition, KnowsThePlaceOfEachValue) {
  const Definition definition =
      read(DefinitionFile("[model]\n  depth = 4\n[sweep.grid]\nmodel.width = [10,  20]\n"))
          .definition;
  const SettingNode* model = definition.studies.at(0).base.find("model");
  ASSERT_NE(model, nullptr);
  const SettingNode* depth = std::get<SettingsTable>(model->value).find("depth");
  ASSERT_NE(depth, nullptr);
  EXPECT_EQ(depth->place, (Place{definition.path, 4, 11}));
  EXPECT_EQ(definition.studies.at(0).axes.at(0).place, (Place{definition.path, 6, 15}));
  EXPECT_EQ(definition.studies.at(0).axes.at(0).points.at(1).at(0).value.place,
            (Place{definition.path, 6, 21}));
}

TEST(Definition, CountsColumnsInLettersAndNotInBytes) {
  EXPECT_THAT(read(DefinitionFile("about = { question = \"Größe?\", papr = 1 }\n")).problems,
              ElementsAre(HasSubstr("d.toml:3:39: 'about.papr' is not")));
}

TEST(Definition, TakesATableOrABareNameForAPlugInTable) {
  EXPECT_EQ(base_of(read(DefinitionFile("optimizer = \"adam\"\n")).definition),
            "{ optimizer = { name = \"adam\" } }");
}

// What `describe` tells of must be something that a definition can hold.
TEST(Definition, TakesEveryTableThatTheGuideKnows) {
  for (const TableInfo& table : definition_tables()) {
    const DefinitionFile file('[' + table.name + "]\n");
    EXPECT_THAT(read(file).problems, IsEmpty()) << table.name;
  }
  const DefinitionFile blas("[engine]\ngemm = \"blas\"\n");
  EXPECT_THAT(read(blas).problems, IsEmpty());
}

TEST(Definition, SaysWhatAResultsFileIs) {
  DefinitionFile file("");
  std::ofstream(file.path(), std::ios::binary) << "\x89HDF\r\n\x1a\nand so on";
  std::vector<Problem> problems;
  try {
    read_definition(file.path(), {}, problems);
    ADD_FAILURE() << "it was read";
  } catch (const DefinitionError& error) {
    EXPECT_THAT(error.what(), HasSubstr("is an HDF5 file and no definition; `plumbline show`"));
  }
}

TEST(DefinitionAxes, StandInTheOrderOfTheLinesWithTheSeedInnermost) {
  const DefinitionFile file(
      "[sweep]\nseeds = 2\n"
      "[sweep.grid]\n"
      "optimizer.lr = [0.1]\n"
      "model.depth = [8, 2]\n"
      "optimizer.name = [\"sgd\", \"adam\"]\n"
      "model.activation = [\"relu\", { name = \"leaky_relu\", slope = 0.2 }]\n");
  EXPECT_THAT(
      axes_of(read(file).definition),
      ElementsAre("optimizer.lr: 0.1", "model.depth: 8, 2", "optimizer.name: \"sgd\", \"adam\"",
                  "model.activation: \"relu\", { name = \"leaky_relu\", slope = 0.2 }",
                  "train.seed: 0, 1"));
}

TEST(DefinitionAxes, AreTheSameFromTablesAndFromDottedKeys) {
  const DefinitionFile file(
      "[sweep.grid.train]\nbatch = [1, 2]\n[sweep.grid.model]\ndepth = [3]\n");
  EXPECT_THAT(axes_of(read(file).definition),
              ElementsAre("train.batch: 1, 2", "model.depth: 3", "train.seed: 0"));
}

TEST(DefinitionSeeds, CountUpFromTheSeedOfTraining) {
  const auto axes = [](const char* body) { return axes_of(read(DefinitionFile(body)).definition); };
  EXPECT_THAT(axes(""), ElementsAre("train.seed: 0"));
  EXPECT_THAT(axes("[train]\nseed = 7\n"), ElementsAre("train.seed: 7"));
  EXPECT_THAT(axes("sweep.seeds = 3\n"), ElementsAre("train.seed: 0, 1, 2"));
  EXPECT_THAT(axes("[train]\nseed = 7\n[sweep]\nseeds = 3\n"), ElementsAre("train.seed: 7, 8, 9"));
  EXPECT_THAT(axes("[train]\nseed = 7\n[sweep]\nseeds = [3, 1]\n"),
              ElementsAre("train.seed: 3, 1"));
}

TEST(DefinitionSeeds, CanBeAnAxisOfTheGridAndAreInnermostStill) {
  EXPECT_THAT(axes_of(read(DefinitionFile("[sweep.grid]\ntrain.seed = [5, 4]\nmodel.depth = [1]\n"))
                          .definition),
              ElementsAre("model.depth: 1", "train.seed: 5, 4"));
}

}  // namespace
}  // namespace plumbline
