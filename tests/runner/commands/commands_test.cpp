// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/commands.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/optimizers/parameter_groups.hpp"
#include "tests/runner/definition_file.hpp"

namespace plumbline {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct Printed {
  int status = 0;
  std::string out;
  std::string err;
};

template <class Command, class Options>
Printed call(const Command& command, const Options& options) {
  std::ostringstream out;
  std::ostringstream err;
  const int status = command(options, out, err);
  return {status, out.str(), err.str()};
}

Printed list(const ListOptions& options) { return call(list_command, options); }
Printed describe(const std::string& name) {
  return call(describe_command, DescribeOptions{.name = name});
}
Printed plan(const PlanOptions& options) { return call(plan_command, options); }

std::vector<std::string> keys_of(const json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

json plugin(const json& listed, const std::string& name) {
  for (const json& entry : listed) {
    if (entry.at("name") == name) return entry;
  }
  return nullptr;
}

TEST(ListCommand, KnowsTheKindsOfTheContractThatThisEngineHas) {
  EXPECT_THAT(list_kinds(),
              ElementsAre("activations", "initializers", "losses", "optimizers", "schedules",
                          "layers", "datasets", "probes", "experiments"));
}

TEST(ListCommand, PrintsTheKeysOfTheContractAsJson) {
  const Printed printed = list({.kind = "optimizers", .json = true});
  EXPECT_EQ(printed.status, 0);
  const json listed = json::parse(printed.out);
  ASSERT_TRUE(listed.is_array());
  const json adam = plugin(listed, "adam");
  EXPECT_THAT(keys_of(adam), ElementsAre("kind", "name", "paper", "settings", "summary"));
  EXPECT_EQ(adam.at("kind"), "optimizers");
  EXPECT_THAT(adam.at("paper").get<std::string>(), HasSubstr("arXiv:1412.6980"));
  const json lr = adam.at("settings").at(0);
  EXPECT_THAT(keys_of(lr), ElementsAre("default", "meaning", "name", "range", "type"));
  EXPECT_EQ(lr.at("name"), "lr");
  EXPECT_EQ(lr.at("type"), "number");
  EXPECT_EQ(lr.at("default"), 1e-3);
  EXPECT_EQ(lr.at("range"), "> 0");
}

TEST(ListCommand, PrintsEveryKindWhereNoneIsGiven) {
  std::set<std::string> kinds;
  for (const json& entry : json::parse(list({.json = true}).out)) kinds.insert(entry.at("kind"));
  for (const std::string& kind : list_kinds()) {
    // Which definitions ship depends on where the test program stands.
    if (kind == "experiments") continue;
    EXPECT_THAT(kinds, Contains(kind));
  }
}

TEST(ListCommand, PrintsATableWithNameSummaryAndPaper) {
  const std::string out = list({.kind = "activations"}).out;
  EXPECT_THAT(out, StartsWith("name "));
  EXPECT_THAT(out, HasSubstr("\nrelu "));
  EXPECT_THAT(out, Not(HasSubstr("adam")));
  EXPECT_THAT(list({}).out, HasSubstr("\noptimizers\n\nname "));
}

TEST(ListCommand, PrintsMarkdownTables) {
  EXPECT_THAT(
      list({.kind = "losses", .markdown = true}).out,
      StartsWith("| name | summary | paper |\n| --- | --- | --- |\n| `binary_cross_entropy` | "));
  EXPECT_THAT(list({.markdown = true}).out, HasSubstr("\n### losses\n\n| name |"));
}

TEST(ListCommand, RefusesAKindThatIsNoneAndNamesTheNearest) {
  const Printed printed = list({.kind = "optimisers"});
  EXPECT_EQ(printed.status, 2);
  EXPECT_EQ(printed.out, "");
  EXPECT_EQ(printed.err, "there is no kind 'optimisers'; did you mean 'optimizers'?\n");
}

TEST(DescribeCommand, PrintsFormulaPaperAndSettings) {
  const Printed printed = describe("adam");
  EXPECT_EQ(printed.status, 0);
  EXPECT_THAT(printed.out, StartsWith("adam (optimizers)\n"));
  EXPECT_THAT(printed.out, HasSubstr("\nformula      m <- beta1 m + "));
  EXPECT_THAT(printed.out, HasSubstr("\npaper        Kingma & Ba"));
  EXPECT_THAT(printed.out, HasSubstr("\nsetting  type    default  range      meaning\n"));
  EXPECT_THAT(printed.out, HasSubstr("\nbeta2    number    0.999  in [0, 1)  "));
}

TEST(DescribeCommand, SaysThatAPlugInHasNoSettings) {
  EXPECT_THAT(describe("tanh").out, HasSubstr("\nsettings     none\n"));
}

TEST(DescribeCommand, RefusesAnUnknownNameAndNamesTheNearest) {
  const Printed printed = describe("adma");
  EXPECT_EQ(printed.status, 2);
  EXPECT_EQ(printed.out, "");
  EXPECT_THAT(printed.err, StartsWith("'adma' is no plug-in, no model, no table and no definition "
                                      "that ships; did you mean 'adam'"));
  EXPECT_LT(printed.err.size(), 120U) << "the nearest alone";
  EXPECT_EQ(describe("no_such_name_at_all").err,
            "'no_such_name_at_all' is no plug-in, no model, no table and no definition that ships; "
            "`plumbline "
            "list` prints all names\n");
}

TEST(DescribeCommand, PrintsTheTablesThatChooseAPlugIn) {
  const std::string out = describe("optimizer").out;
  EXPECT_THAT(out, StartsWith("optimizer (table of a definition)\nThe update rule"));
  EXPECT_THAT(out, HasSubstr("\nname     plugin    \"sgd\"  optimizers "));
  EXPECT_THAT(out, HasSubstr("\ngroups   table "));
  for (const std::string& name : optimizer_catalogue().names()) EXPECT_THAT(out, HasSubstr(name));
  EXPECT_THAT(describe("data").out, HasSubstr("\"digits\"  datasets "));
  EXPECT_THAT(describe("loss").out, HasSubstr("\nlosses       binary_cross_entropy, "));
  EXPECT_THAT(describe("schedule").out, HasSubstr("\"constant\"  schedules "));
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
}

TEST(DescribeCommand, PrintsTheKeysOfSweepProbesAndGroups) {
  EXPECT_THAT(describe("sweep").out, AllOf(HasSubstr("\nseeds "), HasSubstr("\ngrid "),
                                           HasSubstr("\nzip "), HasSubstr("\nexclude ")));
  EXPECT_THAT(describe("study").out, AllOf(HasSubstr("\nset "), HasSubstr("\nsearch.method "),
                                           HasSubstr("\nsearch.space.KEY.scale ")));
  EXPECT_THAT(describe("probes").out,
              AllOf(HasSubstr("\nNAME.every "), HasSubstr("\nprobes       activation_stats, ")));
  const std::string groups = describe("groups").out;
  for (const SettingInfo& group : parameter_group_tables()) {
    EXPECT_THAT(groups, HasSubstr('\n' + group.name + ' '));
  }
  EXPECT_EQ(parameter_group_tables().size(), 7U);
}

TEST(DescribeCommand, SaysThatMuonMovesOuterLayersAndBiasesByAdamW) {
  EXPECT_THAT(describe("muon").out, HasSubstr("AdamW in the first and the last layer's weights, in "
                                              "biases"));
}

TEST(DescribeCommand, PrintsTheSettingsOfATableThatIsNoPlugIn) {
  const std::string out = describe("model").out;
  EXPECT_THAT(out, StartsWith("model (table of a definition)\n"));
  EXPECT_THAT(out, HasSubstr("\nwidth "));
  EXPECT_THAT(describe("train").out, HasSubstr("\nepochs "));
}

// "two_spirals" is a dataset; a definition of that name makes it a name of two kinds.
TEST(DescribeCommand, PrintsEveryKindThatHasTheName) {
  const DefinitionFile file("title = \"Spirals by depth\"\n[sweep.grid]\nmodel.depth = [1, 2]\n");
  const std::filesystem::path folder = file.path().parent_path();
  std::filesystem::create_directory(folder / "experiments");
  std::filesystem::copy_file(file.path(), folder / "experiments/two_spirals.toml");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder);
  const std::string out = describe("two_spirals").out;
  const json listed = json::parse(list({.kind = "experiments", .json = true}).out);
  std::filesystem::current_path(before);

  EXPECT_THAT(out, StartsWith("two_spirals (datasets)\n"));
  EXPECT_THAT(out, HasSubstr("\n\ntwo_spirals (experiments)\nSpirals by depth\n"));
  EXPECT_THAT(out, HasSubstr("\nmodel.depth  1, 2\n"));
  const json experiment = plugin(listed, "two_spirals");
  EXPECT_EQ(experiment.at("summary"), "Spirals by depth");
  EXPECT_EQ(experiment.at("kind"), "experiments");
}

TEST(CheckCommand, SaysInOneLineThatThereIsNoMistake) {
  const DefinitionFile file("[sweep]\nseeds = 3\n");
  const std::string path = file.path().string();
  const Printed three = call(check_command, CheckOptions{path, {}});
  EXPECT_EQ(three.status, 0);
  EXPECT_EQ(three.out, path + ": no mistakes, 3 runs\n");
  EXPECT_EQ(three.err, "");
  EXPECT_EQ(call(check_command, CheckOptions{path, {"sweep.seeds=1"}}).out,
            path + ": no mistakes, 1 run\n");
}

TEST(CheckCommand, PrintsEveryMistakeWithItsPlace) {
  const DefinitionFile file("[model]\ndpeth = 3\ndepth = -1\n");
  const std::string path = file.path().string();
  const Printed printed = call(check_command, CheckOptions{path, {"modle.depth=1"}});
  EXPECT_EQ(printed.status, 2);
  EXPECT_EQ(printed.out, "");
  EXPECT_EQ(printed.err,
            path + ":4:9: 'model.dpeth' is not a setting; did you mean 'depth'?\n" + path +
                ":5:9: 'model.depth' is -1; allowed is in [0, 1e+05]\n" +
                "modle.depth=1: 'modle.depth' is not a setting; did you mean 'model'?\n");
}

TEST(PlanCommand, PrintsTheKeysOfTheContractAsJson) {
  const DefinitionFile file("[sweep]\nseeds = [4, 2]\n[sweep.grid]\nmodel.depth = [1, 3]\n");
  const json printed = json::parse(plan({.definition = file.path().string(), .json = true}).out);
  EXPECT_THAT(keys_of(printed),
              ElementsAre("estimated_bytes", "estimated_seconds", "n_runs", "runs"));
  EXPECT_EQ(printed.at("n_runs"), 4);
  EXPECT_GT(printed.at("estimated_seconds"), 0);
  EXPECT_GT(printed.at("estimated_bytes"), 0);
  ASSERT_EQ(printed.at("runs").size(), 4u);
  const json run = printed.at("runs").at(2);
  EXPECT_THAT(keys_of(run), ElementsAre("cost", "run_id", "seed", "settings"));
  EXPECT_EQ(run.at("run_id").get<std::string>().size(), 16u);
  EXPECT_EQ(run.at("seed"), 4);
  EXPECT_GT(run.at("cost"), printed.at("runs").at(0).at("cost"));
  EXPECT_EQ(run.at("settings").at("model.depth"), 3);
  EXPECT_EQ(run.at("settings").at("model.activation.name"), "tanh");
  EXPECT_EQ(run.at("settings").at("train.seed"), 4);
}

TEST(PlanCommand, PrintsTheAxesOfEachRunAndWhatAllOfThemTake) {
  const DefinitionFile file(
      "[sweep]\nseeds = 2\n[sweep.grid]\noptimizer.name = [\"sgd\"]\nmodel.depth = [1, 30]\n");
  const Printed printed = plan({.definition = file.path().string(), .threads = 2});
  EXPECT_EQ(printed.status, 0);
  std::istringstream lines(printed.out);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "run_id            optimizer  depth  seed    cost");
  std::getline(lines, line);
  std::getline(lines, line);
  EXPECT_THAT(line.substr(16), StartsWith("  sgd            1     0  "));
  EXPECT_THAT(printed.out, HasSubstr("\n\n4 runs, about "));
  EXPECT_THAT(printed.out, HasSubstr(" on 2 threads, about "));
}

TEST(PlanCommand, NamesColumnsByTheWholeKeyWhereTwoWouldClash) {
  const DefinitionFile file(
      "[sweep.grid]\ntrain.evaluate.every = [10, 20]\nprobes.gradient_norm.every = [5]\n");
  EXPECT_THAT(
      plan({.definition = file.path().string()}).out,
      StartsWith("run_id            train_evaluate_every  probes_gradient_norm_every  seed"));
}

TEST(PlanCommand, PrintsTheFirstTwentyRunsOrAll) {
  const DefinitionFile file("[sweep]\nseeds = 25\n");
  const auto count_lines = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  const std::string first = plan({.definition = file.path().string()}).out;
  const std::string all = plan({.definition = file.path().string(), .all = true}).out;
  EXPECT_THAT(first, HasSubstr("\nand 5 more; --all prints them\n"));
  EXPECT_THAT(all, Not(HasSubstr("more")));
  EXPECT_EQ(count_lines(first), 2 + 20 + 1 + 2);
  EXPECT_EQ(count_lines(all), 2 + 25 + 2);
}

constexpr const char* kStudies =
    "[[study]]\nname = \"heavy\"\nset.optimizer.name = \"momentum\"\n"
    "[study.search]\nmethod = \"halton\"\ntrials = 2\nspace.train.batch = [4, 5, 6]\n"
    "[[study]]\nset.model.depth = 2\n"
    "[[sweep.exclude]]\nmodel.depth = 2\ntrain.seed = 1\n[sweep]\nseeds = 2\n";

TEST(PlanCommand, SaysWhatIsStudiedDrawnAndExcluded) {
  const Printed printed = plan({.definition = DefinitionFile(kStudies).path().string()});
  EXPECT_EQ(printed.status, 0);
  EXPECT_THAT(printed.out, StartsWith("run_id            study  batch  seed  cost\n"));
  EXPECT_THAT(printed.out, ContainsRegex("\n[0-9a-f]{16}  heavy      [456]     1  "));
  EXPECT_THAT(printed.out, ContainsRegex("\n[0-9a-f]{16}  2                0  "));
  EXPECT_THAT(printed.out, HasSubstr("\n\nstudy heavy: 4 runs, 2 trials (halton, seed 0)\n"
                                     "study 2: 1 run\n1 run is excluded\n5 runs, about "));
}

TEST(PlanCommand, GivesTheStudyOfEachRunAsJsonWhereThereAreSeveral) {
  const DefinitionFile file(kStudies);
  const json printed = json::parse(plan({.definition = file.path().string(), .json = true}).out);
  EXPECT_EQ(printed.at("n_runs"), 5);
  const json& runs = printed.at("runs");
  EXPECT_THAT(keys_of(runs.at(0)), ElementsAre("cost", "run_id", "seed", "settings", "study"));
  EXPECT_EQ(runs.at(3).at("study"), "heavy");
  EXPECT_EQ(runs.at(4).at("study"), "2");
}

TEST(PlanCommand, LeavesAWrongDefinitionToItsCaller) {
  const DefinitionFile file("[model]\ndepth = -1\n");
  EXPECT_THROW(plan({.definition = file.path().string()}), DefinitionError);
  EXPECT_THROW(plan({.definition = "/no/such.toml"}), EnvironmentError);
}

}  // namespace
}  // namespace plumbline
