// SPDX-License-Identifier: Apache-2.0
#include "engine/core/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/core/placed_settings.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const std::vector<std::string> kOptimizers = {"adam", "momentum", "sgd"};

/// A table under the path "m" that stands at line 9, what was found in reading it, and its reader.
class Reading : public testing::Test {
 protected:
  Settings& read(std::vector<std::pair<const char*, SettingNode>> entries) {
    given_ = table(std::move(entries));
    reader_.emplace_back(given_, "m", report_, at(9));
    return reader_.back();
  }

  void expect_problem(const Place& place, const std::string& message) {
    ASSERT_EQ(report_.problems.size(), 1U);
    EXPECT_EQ(report_.problems[0].message, message);
    EXPECT_EQ(report_.problems[0].place, place);
  }

  void expect_resolved(const std::string& key, const std::string& value) {
    ASSERT_EQ(report_.resolved.size(), 1U);
    EXPECT_EQ(report_.resolved[0].key, key);
    EXPECT_EQ(to_string(report_.resolved[0].value), value);
  }

  SettingsTable given_;
  SettingsReport report_;
  std::vector<Settings> reader_;
};

TEST_F(Reading, NumberIsTheGivenOne) {
  EXPECT_EQ(read({{"lr", node(0.5)}}).number("lr", 0.1, kPositive, ""), 0.5);
  EXPECT_THAT(report_.problems, IsEmpty());
  expect_resolved("m.lr", "0.5");
}

TEST_F(Reading, NumberMayBeWrittenAsAnInteger) {
  EXPECT_EQ(read({{"lr", integer(2)}}).number("lr", 0.1, kPositive, ""), 2.0);
  EXPECT_THAT(report_.problems, IsEmpty());
  EXPECT_TRUE(std::holds_alternative<double>(report_.resolved.at(0).value.value));
}

TEST_F(Reading, NumberHasItsDefaultWhereItIsAbsent) {
  EXPECT_EQ(read({}).number("lr", 0.1, kPositive, ""), 0.1);
  EXPECT_THAT(report_.problems, IsEmpty());
  expect_resolved("m.lr", "0.1");
}

TEST_F(Reading, NumberOfTheWrongTypeIsAProblem) {
  EXPECT_EQ(read({{"lr", text("fast", 3)}}).number("lr", 0.1, kPositive, ""), 0.1);
  expect_problem(at(3), "'m.lr' is a text; expected a number > 0");
  expect_resolved("m.lr", "0.1");
}

TEST_F(Reading, NamesANumberBeyondAllRangeWhereANumberIsExpectedAndNowhereElse) {
  Settings& settings = read({{"lr", text("1e400", 3)},
                             {"steps", text("99999999999999999999", 4)},
                             {"digest", text("12345678901e2345", 5)}});
  EXPECT_EQ(settings.number("lr", 0.1, kPositive, ""), 0.1);
  EXPECT_EQ(settings.integer("steps", 7, kAny, ""), 7);
  EXPECT_EQ(settings.text("digest", "", ""), "12345678901e2345");
  ASSERT_EQ(report_.problems.size(), 2U);
  EXPECT_EQ(report_.problems[0].place, at(3));
  EXPECT_EQ(report_.problems[0].message,
            "'m.lr': '1e400' is out of the range of numbers, which ends near 1.8e308");
  EXPECT_EQ(report_.problems[1].message,
            "'m.steps': '99999999999999999999' is out of the range of integers, which ends at 2^63 "
            "- 1");
}

TEST_F(Reading, NumberOutOfRangeIsAProblem) {
  EXPECT_EQ(read({{"beta1", node(1.0, 3)}}).number("beta1", 0.9, kDecay, ""), 0.9);
  expect_problem(at(3), "'m.beta1' is 1; allowed is in [0, 1)");
}

TEST_F(Reading, NumberMayNotBeNan) {
  EXPECT_EQ(read({{"mean", node(std::nan(""), 3)}}).number("mean", 0, kAny, ""), 0);
  expect_problem(at(3), "'m.mean' is nan; allowed is any finite number");
}

TEST_F(Reading, IntegerIsTheGivenOne) {
  EXPECT_EQ(read({{"depth", integer(12)}}).integer("depth", 3, at_least(1), ""), 12);
  EXPECT_THAT(report_.problems, IsEmpty());
  expect_resolved("m.depth", "12");
}

TEST_F(Reading, IntegerIsNotRoundedFromANumber) {
  EXPECT_EQ(read({{"depth", node(3.0, 4)}}).integer("depth", 5, at_least(1), ""), 5);
  expect_problem(at(4), "'m.depth' is a number; expected an integer >= 1");
}

TEST_F(Reading, AValueOfTheWrongTypeWhereAnyIsAllowedNamesTheTypeAlone) {
  read({{"mean", text("x", 3)}}).number("mean", 0, kAny, "");
  expect_problem(at(3), "'m.mean' is a text; expected a number");
}

TEST_F(Reading, IntegerOutOfRangeIsAProblem) {
  EXPECT_EQ(read({{"depth", integer(0, 4)}}).integer("depth", 5, between(1, 10), ""), 5);
  expect_problem(at(4), "'m.depth' is 0; allowed is in [1, 10]");
}

TEST_F(Reading, FlagIsTrueOrFalse) {
  Settings& settings = read({{"on", node(true)}, {"off", node(false)}});
  EXPECT_TRUE(settings.flag("on", false, ""));
  EXPECT_FALSE(settings.flag("off", true, ""));
  EXPECT_TRUE(settings.flag("absent", true, ""));
  EXPECT_THAT(report_.problems, IsEmpty());
}

TEST_F(Reading, FlagIsNotAnInteger) {
  EXPECT_TRUE(read({{"on", integer(0, 5)}}).flag("on", true, ""));
  expect_problem(at(5), "'m.on' is an integer; expected true or false");
}

TEST_F(Reading, ChoiceIsOneOfItsOptions) {
  EXPECT_EQ(read({{"kind", text("float64")}}).choice("kind", "float32", {"float32", "float64"}, ""),
            "float64");
  expect_resolved("m.kind", "\"float64\"");
}

TEST_F(Reading, ChoiceOfAnUnknownOptionSuggestsTheNearest) {
  EXPECT_EQ(
      read({{"kind", text("flaot64", 2)}}).choice("kind", "float32", {"float32", "float64"}, ""),
      "float32");
  expect_problem(at(2), "'m.kind' is 'flaot64', which is unknown; did you mean 'float64'?");
}

TEST_F(Reading, ChoiceOfTheWrongTypeNamesTheOptions) {
  EXPECT_EQ(read({{"kind", integer(64, 2)}}).choice("kind", "float32", {"float32", "float64"}, ""),
            "float32");
  expect_problem(at(2), "'m.kind' is an integer; expected one of float32, float64");
}

TEST_F(Reading, TextIsAnyText) {
  EXPECT_EQ(read({{"title", text("")}}).text("title", "none", ""), "");
  EXPECT_EQ(read({{"title", text("depth")}}).text("title", "none", ""), "depth");
  EXPECT_THAT(report_.problems, IsEmpty());
}

TEST_F(Reading, TextOfTheWrongTypeIsAProblem) {
  EXPECT_EQ(read({{"title", node(1.5, 2)}}).text("title", "none", ""), "none");
  expect_problem(at(2), "'m.title' is a number; expected a text");
}

TEST_F(Reading, IntegersAreTheGivenOnes) {
  Settings& settings = read({{"widths", node(SettingList{integer(8), integer(3), integer(8)})}});
  EXPECT_THAT(settings.integers("widths", at_least(1), Settings::Order::any, ""),
              ElementsAre(8, 3, 8));
  EXPECT_THAT(report_.problems, IsEmpty());
  expect_resolved("m.widths", "[8, 3, 8]");
}

TEST_F(Reading, IntegersAreEmptyWhereTheyAreAbsent) {
  EXPECT_THAT(read({}).integers("widths", at_least(1), Settings::Order::any, ""), IsEmpty());
  EXPECT_THAT(report_.problems, IsEmpty());
}

TEST_F(Reading, IntegersInRisingOrderMayNotRepeat) {
  Settings& settings = read({{"steps", node(SettingList{integer(0), integer(5), integer(5, 4)})}});
  EXPECT_THAT(settings.integers("steps", kNonNegative, Settings::Order::rising, ""), IsEmpty());
  expect_problem(at(4), "'m.steps' is not in rising order at 5");
}

TEST_F(Reading, IntegersOutOfRangeAreFoundAtTheirElement) {
  Settings& settings = read({{"widths", node(SettingList{integer(4), integer(0, 4)})}});
  EXPECT_THAT(settings.integers("widths", at_least(1), Settings::Order::any, ""), IsEmpty());
  expect_problem(at(4), "'m.widths' holds 0; allowed is >= 1");
}

TEST_F(Reading, IntegersHoldNothingElse) {
  Settings& settings = read({{"widths", node(SettingList{integer(4), text("x", 4)})}});
  EXPECT_THAT(settings.integers("widths", at_least(1), Settings::Order::any, ""), IsEmpty());
  expect_problem(at(4), "'m.widths' holds a text; expected integers");
}

TEST_F(Reading, IntegersAreAList) {
  Settings& settings = read({{"steps", integer(4, 2)}});
  EXPECT_THAT(settings.integers("steps", at_least(1), Settings::Order::rising, ""), IsEmpty());
  expect_problem(at(2), "'m.steps' is an integer; expected a list of integers in rising order");
}

TEST_F(Reading, NumbersAreTheGivenOnes) {
  Settings& settings = read({{"factors", node(SettingList{node(0.5), integer(2), node(0.5)})}});
  EXPECT_THAT(settings.numbers("factors", kPositive, ""), ElementsAre(0.5, 2, 0.5));
  EXPECT_THAT(report_.problems, IsEmpty());
  expect_resolved("m.factors", "[0.5, 2, 0.5]");
  const auto& list = std::get<SettingList>(report_.resolved[0].value.value);
  EXPECT_TRUE(std::holds_alternative<double>(list[1].value)) << "2 and 2.0 are the same run";
}

TEST_F(Reading, NumbersAreEmptyWhereTheyAreAbsent) {
  EXPECT_THAT(read({}).numbers("factors", kPositive, ""), IsEmpty());
  EXPECT_THAT(report_.problems, IsEmpty());
  EXPECT_THAT(report_.resolved, IsEmpty());
}

TEST_F(Reading, NumbersOutOfRangeAreFoundAtTheirElement) {
  Settings& settings = read({{"factors", node(SettingList{node(0.5), node(1.0, 4)})}});
  EXPECT_THAT(settings.numbers("factors", kDecay, ""), IsEmpty());
  expect_problem(at(4), "'m.factors' holds 1; allowed is in [0, 1)");
  EXPECT_THAT(report_.resolved, IsEmpty());
}

TEST_F(Reading, NumbersMayNotBeNanOrInfinite) {
  for (const double value : {std::nan(""), kInfinity, -kInfinity}) {
    report_ = {};
    Settings& settings = read({{"factors", node(SettingList{node(value, 4)})}});
    EXPECT_THAT(settings.numbers("factors", kAny, ""), IsEmpty());
    expect_problem(
        at(4), "'m.factors' holds " + to_string(node(value)) + "; allowed is any finite number");
  }
}

TEST_F(Reading, NumbersHoldNothingElse) {
  Settings& settings = read({{"factors", node(SettingList{node(0.5), text("x", 4)})}});
  EXPECT_THAT(settings.numbers("factors", kPositive, ""), IsEmpty());
  expect_problem(at(4), "'m.factors' holds a text; expected numbers");
}

TEST_F(Reading, NumbersAreAListThatIsNotEmpty) {
  EXPECT_THAT(read({{"factors", node(0.5, 2)}}).numbers("factors", kPositive, ""), IsEmpty());
  expect_problem(at(2), "'m.factors' is a number; expected a list of numbers");
  report_ = {};
  EXPECT_THAT(read({{"factors", node(SettingList{}, 3)}}).numbers("factors", kPositive, ""),
              IsEmpty());
  expect_problem(at(3), "'m.factors' is an empty list; expected numbers");
}

TEST_F(Reading, TextsAreTheGivenOnes) {
  Settings& settings = read({{"columns", node(SettingList{text("b", 2), text("a", 3)})}});
  EXPECT_THAT(settings.texts("columns", ""), ElementsAre("b", "a"));
  EXPECT_THAT(report_.problems, IsEmpty());
  expect_resolved("m.columns", "[\"b\", \"a\"]");
  EXPECT_THAT(read({}).texts("columns", ""), IsEmpty());
}

TEST_F(Reading, TextsAreAListOfDifferentTexts) {
  EXPECT_THAT(read({{"columns", text("a", 2)}}).texts("columns", ""), IsEmpty());
  expect_problem(at(2), "'m.columns' is a text; expected a list of texts");
  report_ = {};
  EXPECT_THAT(read({{"columns", node(SettingList{}, 3)}}).texts("columns", ""), IsEmpty());
  expect_problem(at(3), "'m.columns' is an empty list; expected texts");
  report_ = {};
  EXPECT_THAT(read({{"columns", node(SettingList{text("a"), integer(1, 4)})}}).texts("columns", ""),
              IsEmpty());
  expect_problem(at(4), "'m.columns' holds an integer; expected texts");
  report_ = {};
  EXPECT_THAT(read({{"columns", node(SettingList{text("a"), text("a", 5)})}}).texts("columns", ""),
              IsEmpty());
  expect_problem(at(5), "'m.columns' holds 'a' twice");
}

TEST_F(Reading, PluginByItsBareName) {
  const Settings::Plugin plugin = read({{"optimizer", text("momentum", 2)}})
                                      .plugin("optimizer", "sgd", kOptimizers, "optimizers", "");
  EXPECT_EQ(plugin.name, "momentum");
  EXPECT_EQ(plugin.path, "m.optimizer");
  EXPECT_EQ(plugin.place, at(2));
  EXPECT_THAT(plugin.given.entries(), IsEmpty());
  EXPECT_THAT(report_.problems, IsEmpty());
  expect_resolved("m.optimizer.name", "\"momentum\"");
}

TEST_F(Reading, PluginAsATableHasItsOwnSettings) {
  const SettingsTable own = table({{"lr", node(0.5)}, {"name", text("adam", 3)}});
  const Settings::Plugin plugin =
      read({{"optimizer", node(own, 2)}}).plugin("optimizer", "sgd", kOptimizers, "optimizers", "");
  EXPECT_EQ(plugin.name, "adam");
  EXPECT_EQ(to_string(node(plugin.given)), "{ lr = 0.5 }");
  EXPECT_THAT(report_.problems, IsEmpty());
}

TEST_F(Reading, PluginWithSettingsAndWithoutANameIsTheDefaultOne) {
  const Settings::Plugin plugin = read({{"optimizer", node(table({{"lr", node(0.5)}}), 2)}})
                                      .plugin("optimizer", "sgd", kOptimizers, "optimizers", "");
  EXPECT_EQ(plugin.name, "sgd");
  EXPECT_EQ(plugin.place, at(2));
  EXPECT_EQ(to_string(node(plugin.given)), "{ lr = 0.5 }");
}

TEST_F(Reading, PluginIsTheDefaultOneWhereItIsAbsent) {
  EXPECT_EQ(read({}).plugin("optimizer", "sgd", kOptimizers, "optimizers", "").name, "sgd");
  EXPECT_THAT(report_.problems, IsEmpty());
  expect_resolved("m.optimizer.name", "\"sgd\"");
}

TEST_F(Reading, PluginOfAnUnknownNameSuggestsTheNearest) {
  const Settings::Plugin plugin = read({{"optimizer", text("adm", 2)}})
                                      .plugin("optimizer", "sgd", kOptimizers, "optimizers", "");
  EXPECT_EQ(plugin.name, "");
  expect_problem(at(2), "'adm' is not among the optimizers; did you mean 'adam'?");
}

TEST_F(Reading, PluginIsNeitherANumberNorNamedByOne) {
  read({{"optimizer", integer(3, 2)}}).plugin("optimizer", "sgd", kOptimizers, "optimizers", "");
  expect_problem(at(2),
                 "'m.optimizer' is an integer; expected the name of one of the optimizers, or a "
                 "table with `name`");
  report_ = {};
  read({{"optimizer", node(table({{"name", integer(3, 4)}}), 2)}})
      .plugin("optimizer", "sgd", kOptimizers, "optimizers", "");
  expect_problem(at(4),
                 "'m.optimizer.name' is an integer; expected the name of one of the optimizers");
}

TEST_F(Reading, AWholeTableCanBeThePlugin) {
  Settings& settings = read({{"name", text("adam", 2)}, {"lr", node(0.5, 3)}});
  const Settings::Plugin plugin = settings.plugin_here("sgd", kOptimizers, "optimizers");
  EXPECT_EQ(plugin.name, "adam");
  EXPECT_EQ(plugin.path, "m");
  EXPECT_EQ(to_string(node(plugin.given)), "{ lr = 0.5 }");
  expect_resolved("m.name", "\"adam\"");
}

TEST_F(Reading, TheNameOfAPluginIsAKnownKeyOfItsTable) {
  Settings& settings = read({{"name", text("adam", 2)}});
  settings.plugin_here("sgd", kOptimizers, "optimizers");
  settings.finish();
  EXPECT_THAT(report_.problems, IsEmpty());
}

TEST_F(Reading, ATableBelowIsReadUnderItsPath) {
  Settings& settings = read({{"sampling", node(table({{"every", integer(-1, 4)}}), 3)}});
  settings.table("sampling").integer("every", 1, kNonNegative, "");
  expect_problem(at(4), "'m.sampling.every' is -1; allowed is >= 0");
}

TEST_F(Reading, AnAbsentTableIsEmpty) {
  EXPECT_EQ(read({}).table("sampling").integer("every", 7, kNonNegative, ""), 7);
  EXPECT_THAT(report_.problems, IsEmpty());
  expect_resolved("m.sampling.every", "7");
}

TEST_F(Reading, ATableMayNotBeANumber) {
  EXPECT_EQ(
      read({{"sampling", integer(1, 3)}}).table("sampling").integer("every", 7, kNonNegative, ""),
      7);
  expect_problem(at(3), "'m.sampling' is an integer; expected a table");
}

TEST_F(Reading, AnUnknownKeyIsAProblemWithTheNearestKnownName) {
  Settings& settings = read({{"momentun", node(0.5, 6)}});
  settings.number("lr", 0.1, kPositive, "");
  settings.number("momentum", 0.9, kDecay, "");
  EXPECT_THAT(report_.problems, IsEmpty());
  settings.finish();
  expect_problem(at(6), "'m.momentun' is not a setting; did you mean 'momentum'?");
}

TEST_F(Reading, AnUnknownKeyThatIsNearNothingListsWhatIsKnown) {
  Settings& settings = read({{"colour", text("red", 6)}});
  settings.number("lr", 0.1, kPositive, "");
  settings.table("sampling");
  settings.plugin("schedule", "constant", {"constant"}, "schedules", "");
  settings.finish();
  expect_problem(at(6), "'m.colour' is not a setting; known are lr, sampling, schedule");
}

TEST_F(Reading, FindsAllMistakesInOnePass) {
  Settings& settings =
      read({{"lr", node(-1.0, 1)}, {"depth", text("x", 2)}, {"what", integer(1, 3)}});
  settings.number("lr", 0.1, kPositive, "");
  settings.integer("depth", 3, at_least(1), "");
  settings.finish();
  ASSERT_EQ(report_.problems.size(), 3U);
  for (int line = 1; line <= 3; ++line) {
    EXPECT_EQ(report_.problems[static_cast<std::size_t>(line - 1)].place, at(line));
  }
}

TEST_F(Reading, AMistakeInAnAbsentSettingStandsAtItsTable) {
  read({}).problem("high", "is less than low");
  expect_problem(at(9), "'m.high' is less than low");
}

TEST_F(Reading, AResolvedValueKeepsThePlaceWhereItWasGiven) {
  Settings& settings = read({{"lr", node(0.5, 3)}});
  settings.number("lr", 0.1, kPositive, "");
  settings.number("momentum", 0.9, kDecay, "");
  ASSERT_EQ(report_.resolved.size(), 2U);
  EXPECT_EQ(report_.resolved[0].value.place, at(3));
  EXPECT_EQ(report_.resolved[1].value.place, Place{});
}

TEST_F(Reading, ReadingDeclares) {
  Settings& settings = read({{"lr", node(0.5)}});
  settings.number("lr", 0.1, kPositive, "step size");
  settings.integer("depth", 3, between(1, 9), "hidden layers");
  settings.flag("shuffle", true, "whether to");
  settings.choice("kind", "a", {"a", "b"}, "which");
  settings.integers("steps", kNonNegative, Settings::Order::rising, "when");
  settings.plugin("optimizer", "sgd", kOptimizers, "optimizers", "rule");
  std::vector<std::string> lines;
  for (const SettingInfo& info : settings.declared()) {
    lines.push_back(info.name + "|" + info.type + "|" + to_string(info.default_value) + "|" +
                    info.range + "|" + info.meaning);
  }
  EXPECT_THAT(
      lines,
      ElementsAre("lr|number|0.1|> 0|step size", "depth|integer|3|in [1, 9]|hidden layers",
                  "shuffle|flag|true|true or false|whether to", "kind|text|\"a\"|one of a, b|which",
                  "steps|list|[]|integers in rising order, each >= 0|when",
                  "optimizer|plugin|\"sgd\"|optimizers|rule"));
}

TEST_F(Reading, DeclaresTheBoundsAndTheOptionsBesideTheirText) {
  Settings& settings = read({});
  settings.number("beta1", 0.9, kDecay, "");
  settings.integer("depth", 3, between(1, 9), "");
  settings.integers("widths", at_least(2), Settings::Order::any, "");
  settings.numbers("factors", kPositive, "");
  settings.choice("kind", "a", {"a", "b"}, "");
  settings.text("title", "", "");
  const std::vector<SettingInfo>& declared = settings.declared();
  std::vector<std::string> bounds;
  for (const SettingInfo& info : declared) bounds.push_back(info.bounds.text());
  EXPECT_THAT(bounds, ElementsAre("in [0, 1)", "in [1, 9]", ">= 2", "> 0", "any", "any"));
  EXPECT_EQ(declared[3].range, "numbers, each > 0");
  EXPECT_THAT(declared[4].options, ElementsAre("a", "b"));
  EXPECT_THAT(declared[5].options, IsEmpty());
}

TEST(DeclaringSettings, SayThatTheyOnlyDeclare) {
  const SettingsTable empty;
  SettingsReport report;
  Settings settings = Settings::declaring(empty, report);
  EXPECT_TRUE(settings.only_declares());
  EXPECT_EQ(settings.number("lr", 0.1, kPositive, ""), 0.1);
  EXPECT_EQ(settings.declared().size(), 1U);
  EXPECT_FALSE(Settings(empty, "", report).only_declares());
}

TEST_F(Reading, TellsWhetherASettingWasGiven) {
  const Settings& settings = read({{"lr", node(0.5)}});
  EXPECT_TRUE(settings.given("lr"));
  EXPECT_FALSE(settings.given("depth"));
}

TEST(RootSettings, HaveNoPathBeforeTheirNames) {
  const SettingsTable given = table({{"depht", integer(3, 2)}});
  SettingsReport report;
  Settings settings(given, "", report);
  settings.integer("depth", 3, at_least(1), "");
  settings.finish();
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].message, "'depht' is not a setting; did you mean 'depth'?");
  EXPECT_EQ(report.resolved.at(0).key, "depth");
}

}  // namespace
}  // namespace plumbline
