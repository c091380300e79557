// SPDX-License-Identifier: Apache-2.0
#include "engine/core/catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/activations/activation.hpp"
#include "engine/initializers/initializer.hpp"
#include "engine/losses/loss.hpp"
#include "engine/optimizers/optimizer.hpp"
#include "engine/schedules/schedule.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A plug-in that is the value of its one setting.
struct Entry {
  PluginInfo info;
  double (*make)(Settings&) = nullptr;
};

double speed(Settings& settings) { return settings.number("speed", 2, kPositive, "how fast"); }
double weight(Settings& settings) { return settings.number("weight", 5, kPositive, "how heavy"); }

Catalogue<Entry> animals() {
  return {"animals",
          {{"zebra", {PluginInfo{.summary = "striped"}, speed}},
           {"ant", {PluginInfo{.summary = "small"}, weight}}}};
}

double make(const Entry& entry, Settings& settings) { return entry.make(settings); }

TEST(Catalogue, SortsByNameAndNamesItsEntries) {
  const Catalogue<Entry> catalogue = animals();
  EXPECT_EQ(catalogue.kind(), "animals");
  EXPECT_THAT(catalogue.names(), ElementsAre("ant", "zebra"));
  ASSERT_EQ(catalogue.entries().size(), 2U);
  EXPECT_EQ(catalogue.entries()[0].info.name, "ant");
  EXPECT_EQ(catalogue.entries()[0].info.summary, "small");
  EXPECT_EQ(catalogue.entries()[1].info.name, "zebra");
}

TEST(Catalogue, FindsByTheWholeName) {
  const Catalogue<Entry> catalogue = animals();
  ASSERT_NE(catalogue.find("zebra"), nullptr);
  EXPECT_EQ(catalogue.find("zebra")->info.summary, "striped");
  for (const char* name : {"", "an", "antelope", "zebras", "Zebra", "zz"}) {
    EXPECT_EQ(catalogue.find(name), nullptr) << name;
  }
}

TEST(DeclaredSettings, AreThoseThatTheConstructorReads) {
  const std::vector<SettingInfo> declared = declared_settings(speed);
  ASSERT_EQ(declared.size(), 1U);
  EXPECT_EQ(declared[0].name, "speed");
  EXPECT_EQ(to_string(declared[0].default_value), "2");
}

TEST(Choose, MakesThePluginFromItsOwnSettings) {
  const Catalogue<Entry> catalogue = animals();
  const SettingsTable given = table_of({{"animal.name", "zebra"}, {"animal.speed", 7.5}});
  SettingsReport report;
  Settings settings(given, "zoo", report);
  const Chosen<Entry> chosen = choose(settings, "animal", "ant", catalogue, "which");
  ASSERT_EQ(chosen.entry, catalogue.find("zebra"));
  EXPECT_EQ(chosen.make(report, make), 7.5);
  EXPECT_THAT(report.problems, IsEmpty());
  ASSERT_EQ(report.resolved.size(), 2U);
  EXPECT_EQ(report.resolved[0].key, "zoo.animal.name");
  EXPECT_EQ(report.resolved[1].key, "zoo.animal.speed");
}

TEST(Choose, ReportsASettingOfAnotherPlugin) {
  const Catalogue<Entry> catalogue = animals();
  const SettingsTable given = table_of({{"animal.name", "zebra"}, {"animal.weight", 7.5}});
  SettingsReport report;
  Settings settings(given, "zoo", report);
  EXPECT_EQ(choose(settings, "animal", "ant", catalogue, "which").make(report, make), 2);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].message,
            "'zoo.animal.weight' is not a setting of zebra; known are speed");
}

TEST(Choose, HasNoEntryForAnUnknownName) {
  const SettingsTable given = table_of({{"animal", "zebar"}});
  const Catalogue<Entry> catalogue = animals();
  SettingsReport report;
  Settings settings(given, "zoo", report);
  EXPECT_EQ(choose(settings, "animal", "ant", catalogue, "which").entry, nullptr);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_THAT(report.problems[0].message, HasSubstr("did you mean 'zebra'?"));
}

TEST(Choose, CanReadTheWholeTable) {
  const Catalogue<Entry> catalogue = animals();
  const SettingsTable given = table_of({{"weight", 3.0}});
  SettingsReport report;
  Settings settings(given, "animal", report);
  const Chosen<Entry> chosen = choose_here(settings, "ant", catalogue);
  EXPECT_EQ(chosen.make(report, make), 3);
  EXPECT_THAT(report.problems, IsEmpty());
}

/// The animals by their own catalogue, as a plug-in that holds another needs it.
const Catalogue<Entry>& all_animals() {
  static const Catalogue<Entry> catalogue = animals();
  return catalogue;
}

const Catalogue<Entry>& no_catalogue() { throw std::logic_error("the catalogue is not made yet"); }

TEST(ChooseInner, MakesThePluginFromItsOwnSettings) {
  const SettingsTable given = table_of({{"animal.name", "zebra"}, {"animal.speed", 7.5}});
  SettingsReport report;
  Settings settings(given, "zoo", report);
  const Chosen<Entry> chosen =
      choose_inner(settings, "animal", "ant", "animals", all_animals, "which");
  ASSERT_EQ(chosen.entry, all_animals().find("zebra"));
  EXPECT_EQ(chosen.make(report, make), 7.5);
  EXPECT_THAT(report.problems, IsEmpty());
}

TEST(ChooseInner, HasNoEntryForAnUnknownName) {
  const SettingsTable given = table_of({{"animal", "zebar"}});
  SettingsReport report;
  Settings settings(given, "zoo", report);
  EXPECT_EQ(choose_inner(settings, "animal", "ant", "animals", all_animals, "which").entry,
            nullptr);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_THAT(report.problems[0].message, HasSubstr("did you mean 'zebra'?"));
}

TEST(ChooseInner, DeclaresWithoutTouchingTheCatalogue) {
  const std::vector<SettingInfo> declared = declared_settings([](Settings& settings) {
    EXPECT_TRUE(settings.only_declares());
    const Chosen<Entry> chosen =
        choose_inner(settings, "animal", "ant", "animals", no_catalogue, "which");
    EXPECT_EQ(chosen.entry, nullptr);
  });
  ASSERT_EQ(declared.size(), 1U);
  EXPECT_EQ(declared[0].name, "animal");
  EXPECT_EQ(declared[0].type, "plugin");
  EXPECT_EQ(declared[0].range, "animals");
  EXPECT_EQ(to_string(declared[0].default_value), "\"ant\"");
}

/// The names that a folder's files stand for: all sources without a header of their own.
std::set<std::string> names_of_files(const std::string& kind) {
  const std::filesystem::path folder =
      std::filesystem::path(PLUMBLINE_SOURCE_DIR) / "engine" / kind;
  std::set<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    std::filesystem::path header = file.path();
    header.replace_extension(".hpp");
    if (file.path().extension() != ".cpp" || std::filesystem::exists(header)) continue;
    std::string name = file.path().stem();
    if (name.ends_with('_')) name.pop_back();
    names.insert(name);
  }
  return names;
}

template <class Kind>
void expect_complete(const Catalogue<Kind>& catalogue) {
  EXPECT_EQ(std::set<std::string>(catalogue.names().begin(), catalogue.names().end()),
            names_of_files(catalogue.kind()));
  for (const Kind& entry : catalogue.entries()) {
    SCOPED_TRACE(catalogue.kind() + " " + entry.info.name);
    EXPECT_FALSE(entry.info.formula.empty());
    EXPECT_FALSE(entry.info.paper.empty());
    EXPECT_TRUE(entry.info.summary.ends_with('.')) << entry.info.summary;
    for (const SettingInfo& setting : entry.info.settings) {
      EXPECT_FALSE(setting.meaning.empty()) << setting.name;
      EXPECT_FALSE(setting.range.empty()) << setting.name;
    }
  }
}

TEST(EngineCatalogues, HaveAPluginForEachFileThatSaysWhatItIs) {
  expect_complete(activation_catalogue());
  expect_complete(initializer_catalogue());
  expect_complete(loss_catalogue());
  expect_complete(optimizer_catalogue());
  expect_complete(schedule_catalogue());
}

}  // namespace
}  // namespace plumbline
