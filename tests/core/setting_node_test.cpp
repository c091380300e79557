// SPDX-License-Identifier: Apache-2.0
#include "engine/core/setting_node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "tests/core/placed_settings.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Range, HoldsItsBoundsUnlessSaidOtherwise) {
  EXPECT_TRUE(between(1, 2).contains(1));
  EXPECT_TRUE(between(1, 2).contains(2));
  EXPECT_FALSE(between(1, 2).contains(std::nextafter(2, 3)));
  EXPECT_FALSE(between(1, 2).contains(std::nextafter(1, 0)));
  EXPECT_FALSE(kPositive.contains(0));
  EXPECT_TRUE(kPositive.contains(std::numeric_limits<double>::denorm_min()));
  EXPECT_TRUE(kNonNegative.contains(0));
  EXPECT_TRUE(kDecay.contains(0));
  EXPECT_FALSE(kDecay.contains(1));
  EXPECT_TRUE(at_least(3).contains(1e300));
}

TEST(Range, HoldsNeitherNanNorInfinity) {
  for (const Range& range : {kAny, kPositive, at_least(-1)}) {
    EXPECT_FALSE(range.contains(std::nan("")));
    EXPECT_FALSE(range.contains(kInfinity));
    EXPECT_FALSE(range.contains(-kInfinity));
  }
}

TEST(Range, IsWrittenForPeople) {
  EXPECT_EQ(kAny.text(), "any");
  EXPECT_EQ(kPositive.text(), "> 0");
  EXPECT_EQ(kNonNegative.text(), ">= 0");
  EXPECT_EQ(kDecay.text(), "in [0, 1)");
  EXPECT_EQ(between(-1.5, 2).text(), "in [-1.5, 2]");
  EXPECT_EQ((Range{.high = 3}).text(), "<= 3");
  EXPECT_EQ((Range{.high = 3, .high_included = false}).text(), "< 3");
  EXPECT_EQ((Range{.low = 0, .high = 1, .low_included = false}).text(), "in (0, 1]");
}

TEST(SettingNode, TellsItsType) {
  EXPECT_EQ(type_name(node(true)), "a flag");
  EXPECT_EQ(type_name(integer(1)), "an integer");
  EXPECT_EQ(type_name(node(1.0)), "a number");
  EXPECT_EQ(type_name(text("x")), "a text");
  EXPECT_EQ(type_name(node(SettingList{})), "a list");
  EXPECT_EQ(type_name(node(SettingsTable{})), "a table");
}

TEST(SettingNode, IsWrittenAsTomlAcceptsIt) {
  EXPECT_EQ(to_string(node(true)), "true");
  EXPECT_EQ(to_string(node(false)), "false");
  EXPECT_EQ(to_string(integer(-12)), "-12");
  EXPECT_EQ(to_string(node(0.1)), "0.1");
  EXPECT_EQ(to_string(text("say \"a\\b\"")), R"("say \"a\\b\"")");
  EXPECT_EQ(to_string(node(SettingList{integer(1), node(2.5), text("x")})), "[1, 2.5, \"x\"]");
  EXPECT_EQ(to_string(node(SettingList{})), "[]");
  EXPECT_EQ(to_string(node(table({{"name", text("adam")}, {"lr", node(0.01)}}))),
            "{ name = \"adam\", lr = 0.01 }");
}

TEST(SettingNode, WritesANumberSoThatTheSameBitsComeBack) {
  for (const double value : {0.1, 1.0 / 3, 1e-300, 5e-324, 1.7976931348623157e308, -2.5}) {
    EXPECT_EQ(std::strtod(to_string(node(value)).c_str(), nullptr), value);
  }
  EXPECT_LE(to_string(node(0.3)).size(), 3U);
}

TEST(SettingsTable, KeepsTheOrderOfTheText) {
  const SettingsTable written = table({{"z", integer(1)}, {"a", integer(2)}, {"m", integer(3)}});
  std::vector<std::string> names;
  for (const auto& [name, value] : written.entries()) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("z", "a", "m"));
}

TEST(SettingsTable, SetReplacesWithoutMoving) {
  SettingsTable written = table({{"z", integer(1)}, {"a", integer(2)}});
  written.set("z", integer(5));
  ASSERT_EQ(written.entries().size(), 2U);
  EXPECT_EQ(written.entries()[0].first, "z");
  EXPECT_EQ(to_string(*written.find("z")), "5");
  EXPECT_EQ(written.find("b"), nullptr);
}

TEST(SetPath, MakesTheTablesOnTheWay) {
  SettingsTable written;
  written.set_path("model.initializer.gain", node(2.0));
  written.set_path("model.depth", integer(3));
  EXPECT_EQ(to_string(node(written)), "{ model = { initializer = { gain = 2 }, depth = 3 } }");
}

TEST(SetPath, TurnsABarePluginNameIntoItsTable) {
  SettingsTable written;
  written.set_path("model.activation", text("leaky_relu"));
  written.set_path("model.activation.slope", node(0.2));
  EXPECT_EQ(to_string(node(written)),
            "{ model = { activation = { name = \"leaky_relu\", slope = 0.2 } } }");
}

TEST(SetPath, NamesThePluginThatAlreadyHasSettings) {
  SettingsTable written;
  written.set_path("model.activation.slope", node(0.2));
  written.set_path("model.activation", text("leaky_relu"));
  EXPECT_EQ(to_string(node(written)),
            "{ model = { activation = { slope = 0.2, name = \"leaky_relu\" } } }");
}

TEST(SetPath, ReplacesAValue) {
  SettingsTable written;
  written.set_path("model.depth", integer(3));
  written.set_path("model.depth", integer(4, 2));
  EXPECT_EQ(to_string(node(written)), "{ model = { depth = 4 } }");
  const auto& model = std::get<SettingsTable>(written.find("model")->value);
  EXPECT_EQ(model.find("depth")->place, at(2));
}

TEST(SetPath, CannotLeadThroughANumber) {
  SettingsTable written;
  written.set_path("model.depth", integer(3));
  try {
    written.set_path("model.depth.more", integer(4, 6));
    FAIL() << "no error";
  } catch (const DefinitionError& error) {
    ASSERT_EQ(error.problems().size(), 1U);
    EXPECT_EQ(error.problems()[0].place, at(6));
    EXPECT_EQ(error.problems()[0].message,
              "'model.depth' is an integer, so it has no setting 'more'");
  }
}

}  // namespace
}  // namespace plumbline
