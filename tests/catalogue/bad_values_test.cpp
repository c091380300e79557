// SPDX-License-Identifier: Apache-2.0
// Bad values for every setting of every plug-in and table: each is a problem at its place that names
// key, value and what is allowed. A new plug-in is tested the moment its file exists.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "engine/activations/activation.hpp"
#include "engine/datasets/dataset.hpp"
#include "engine/initializers/initializer.hpp"
#include "engine/losses/loss.hpp"
#include "engine/optimizers/optimizer.hpp"
#include "engine/probes/probe.hpp"
#include "engine/schedules/schedule.hpp"
#include "engine/training/run_configuration.hpp"
#include "tests/make_entry.hpp"

namespace plumbline {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const Place kHere{"net.toml", 12, 5};

/// A table of settings and what reads it: a plug-in of the catalogue, or a table of a definition.
struct Owner {
  std::string name;
  std::vector<SettingInfo> settings;
  /// Reads the table and reports every mistake, unknown keys too.
  std::function<SettingsReport(const SettingsTable&)> read;
};

void PrintTo(const Owner& owner, std::ostream* stream) { *stream << owner.name; }

void make(const OptimizerEntry& entry, Settings& settings) {
  entry.make<double>(settings, ParameterLayout());
}
template <class Entry>
void make(const Entry& entry, Settings& settings) {
  make_entry(entry, settings);
}

template <class Entry>
void add_plugins(const Catalogue<Entry>& catalogue, std::vector<Owner>& owners) {
  for (const Entry& entry : catalogue.entries()) {
    owners.push_back({catalogue.kind() + "_" + entry.info.name, entry.info.settings,
                      [&entry](const SettingsTable& given) {
                        SettingsReport report;
                        Settings settings(given, "owner", report, {"net.toml", 3, 1});
                        make(entry, settings);
                        settings.finish();
                        return report;
                      }});
  }
}

/// A table that is read as a part of a whole definition, and by nothing else.
Owner table_owner(const std::string& path, const std::vector<SettingInfo>& settings) {
  std::string name = "table_" + path;
  std::ranges::replace(name, '.', '_');
  return {name, settings, [path](const SettingsTable& given) {
            SettingsTable root;
            root.set_path(path, {given, {"net.toml", 3, 1}});
            SettingsReport report;
            configure(root, report);
            return report;
          }};
}

std::vector<Owner> all_owners() {
  std::vector<Owner> owners;
  add_plugins(activation_catalogue(), owners);
  add_plugins(initializer_catalogue(), owners);
  add_plugins(loss_catalogue(), owners);
  add_plugins(optimizer_catalogue(), owners);
  add_plugins(schedule_catalogue(), owners);
  add_plugins(layer_catalogue(), owners);
  add_plugins(dataset_catalogue(), owners);
  for (const ProbeEntry& probe : probe_catalogue().entries()) {
    owners.push_back(table_owner("probes." + probe.info.name, probe.info.settings));
  }
  for (const TableInfo& table : definition_tables()) {
    owners.push_back(table_owner(table.name, table.settings));
  }
  return owners;
}

/// A value that a setting must refuse, and what the message about it must hold beside the key.
struct BadValue {
  SettingNode value;
  std::vector<std::string> said;
};

// The nearest numbers outside the range, and those that no range holds. Most ranges have integral
// ends, but [0, 1] of a number ends at the next double.
std::vector<double> numbers_outside(const Range& range) {
  std::vector<double> outside = {std::nan(""), kInfinity, -kInfinity};
  if (std::isfinite(range.low)) {
    outside.push_back(range.low_included ? std::nextafter(range.low, -kInfinity) : range.low);
  }
  if (std::isfinite(range.high)) {
    outside.push_back(range.high_included ? std::nextafter(range.high, kInfinity) : range.high);
  }
  return outside;
}

std::vector<std::int64_t> integers_outside(const Range& range) {
  std::vector<std::int64_t> outside;
  if (std::isfinite(range.low)) {
    outside.push_back(static_cast<std::int64_t>(range.low_included ? std::ceil(range.low) - 1
                                                                   : std::floor(range.low)));
  }
  if (std::isfinite(range.high)) {
    outside.push_back(static_cast<std::int64_t>(range.high_included ? std::floor(range.high) + 1
                                                                    : std::ceil(range.high)));
  }
  return outside;
}

SettingNode here(auto value) { return {std::move(value), kHere}; }

// The list stands elsewhere than its bad element.
SettingNode list_with(SettingNode element) {
  return {SettingList{std::move(element)}, {"net.toml", 12, 1}};
}

std::vector<BadValue> bad_values(const SettingInfo& setting) {
  const SettingNode text = here(std::string("no such value"));
  std::vector<BadValue> bad;
  const auto add = [&](const SettingNode& value, std::vector<std::string> said) {
    bad.push_back({value, std::move(said)});
  };
  const std::string bounds = setting.bounds.text() == "any" ? "" : setting.bounds.text();
  if (setting.type == "number") {
    add(text, {"a text", "a number", bounds});
    add(here(true), {"a flag", "a number", bounds});
    for (const double value : numbers_outside(setting.bounds)) {
      add(here(value), {"is " + to_string(here(value)), "allowed is", bounds});
    }
  } else if (setting.type == "integer") {
    add(text, {"a text", "an integer", bounds});
    add(here(1.5), {"a number", "an integer", bounds});
    add(here(std::nan("")), {"a number", "an integer", bounds});
    for (const std::int64_t value : integers_outside(setting.bounds)) {
      add(here(value), {"is " + std::to_string(value), "allowed is", bounds});
    }
  } else if (setting.type == "flag") {
    add(text, {"a text", "true or false"});
    add(here(std::int64_t{1}), {"an integer", "true or false"});
  } else if (setting.type == "text") {
    add(here(1.5), {"a number", setting.options.empty() ? "a text" : setting.range});
    if (setting.options.empty()) return bad;
    add(text, {"no such value", setting.options.front(), setting.options.back()});
    add(here(setting.options.front() + "_"), {setting.options.front() + "_", "did you mean"});
  } else if (setting.type == "plugin") {
    add(here(1.5), {"a number", "the name of one of the " + setting.range});
    add(text, {"no such value", "not among the " + setting.range, "known are"});
    const std::string nearly = std::get<std::string>(setting.default_value.value) + "_";
    add(here(nearly), {nearly, "not among the " + setting.range, "did you mean"});
  } else if (setting.type == "plugins") {
    add(here(1.5), {"a number", "a list of " + setting.range});
    add(here(SettingList{}), {"an empty list", setting.range});
    add(list_with(text), {"no such value", "not among the " + setting.range});
    add(list_with(here(1.5)), {"a number", "the name of one of the " + setting.range});
  } else if (setting.type == "list") {
    const bool integral = setting.range.starts_with("integers");
    const bool texts = setting.range == "texts";
    const std::string elements = texts ? "texts" : integral ? "integers" : "numbers";
    add(here(1.5), {"a number", "a list of " + elements});
    add(here(SettingList{}), {"an empty list", elements});
    if (texts) {
      add(list_with(here(1.5)), {"holds a number", elements});
      return bad;
    }
    add(list_with(text), {"holds a text", elements});
    if (integral) add(list_with(here(1.5)), {"holds a number", elements});
    for (const std::int64_t value : integers_outside(setting.bounds)) {
      add(list_with(here(value)), {"holds " + std::to_string(value), "allowed is", bounds});
    }
    for (const double value : numbers_outside(setting.bounds)) {
      if (integral) break;
      add(list_with(here(value)), {"holds " + to_string(here(value)), "allowed is", bounds});
    }
  } else {
    ADD_FAILURE() << "'" << setting.name << "' has the type '" << setting.type
                  << "', which this test does not know";
  }
  return bad;
}

// What is said of a table with this setting and not of an empty one.
std::vector<Problem> problems_with(const Owner& owner, const std::string& name,
                                   const SettingNode& value) {
  SettingsTable given;
  given.set(name, value);
  std::vector<Problem> problems = owner.read(given).problems;
  for (const Problem& usual : owner.read({}).problems) {
    std::erase_if(problems, [&](const Problem& one) { return one.message == usual.message; });
  }
  return problems;
}

class EveryOwner : public testing::TestWithParam<Owner> {};

INSTANTIATE_TEST_SUITE_P(Settings, EveryOwner, testing::ValuesIn(all_owners()),
                         [](const auto& param_info) { return param_info.param.name; });

TEST_P(EveryOwner, RefusesBadValuesWithPlaceAndRange) {
  for (const SettingInfo& setting : GetParam().settings) {
    for (const BadValue& bad : bad_values(setting)) {
      SCOPED_TRACE(setting.name + " = " + to_string(bad.value));
      const std::vector<Problem> problems = problems_with(GetParam(), setting.name, bad.value);
      ASSERT_FALSE(problems.empty()) << "it was accepted";
      const Problem& problem = problems.front();
      EXPECT_EQ(problem.place.line, kHere.line) << problem.message;
      EXPECT_EQ(problem.place.column, kHere.column) << problem.message;
      // An unknown name of a plug-in is said by its kind, which is the key or says more.
      if (problem.message.find("is not among the") == std::string::npos) {
        EXPECT_NE(problem.message.find('.' + setting.name), std::string::npos) << problem.message;
      }
      for (const std::string& part : bad.said) {
        EXPECT_NE(problem.message.find(part), std::string::npos)
            << problem.message << "\ndoes not say: " << part;
      }
    }
  }
}

// Else a plug-in that refuses everything would pass.
TEST_P(EveryOwner, TakesItsDefaults) {
  for (const SettingInfo& setting : GetParam().settings) {
    if (setting.type == "list" || setting.type == "plugins")
      continue;  // an absent list is empty, a given one may not be
    const auto* text = std::get_if<std::string>(&setting.default_value.value);
    if (text != nullptr && text->empty()) continue;  // to be given: it has no default
    SettingNode value = setting.default_value;
    value.place = kHere;
    for (const Problem& problem : problems_with(GetParam(), setting.name, value)) {
      ADD_FAILURE() << setting.name << " = " << to_string(value) << ": " << problem.message;
    }
  }
}

TEST_P(EveryOwner, SuggestsTheNearestNameForAnUnknownKey) {
  for (const SettingInfo& setting : GetParam().settings) {
    // The first letter twice; a letter at the end might make `width` the nearest to `widths`.
    const std::string misspelled = setting.name.front() + setting.name;
    if (setting.name.size() == 1) continue;  // two letters, of which one may be meant for anything
    const std::vector<Problem> problems =
        problems_with(GetParam(), misspelled, here(std::int64_t{1}));
    ASSERT_EQ(problems.size(), 1U) << misspelled;
    EXPECT_EQ(problems[0].place, kHere);
    EXPECT_TRUE(problems[0].message.ends_with(
        "." + misspelled + "' is not a setting; did you mean '" + setting.name + "'?"))
        << problems[0].message;
  }
}

TEST_P(EveryOwner, RefusesAKeyThatIsNearNothing) {
  const std::vector<Problem> problems =
      problems_with(GetParam(), "qqqqqqqqqqqqqqqqqqqq", here(std::int64_t{1}));
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].place, kHere);
  EXPECT_NE(problems[0].message.find("is not a setting"), std::string::npos);
  for (const SettingInfo& setting : GetParam().settings) {
    EXPECT_NE(problems[0].message.find(setting.name), std::string::npos) << problems[0].message;
  }
}

TEST(BadValues, AreTriedForSettingsOfEveryType) {
  std::vector<std::string> types;
  for (const Owner& owner : all_owners()) {
    for (const SettingInfo& setting : owner.settings) types.push_back(setting.type);
  }
  for (const char* type : {"number", "integer", "text", "plugin", "list", "plugins"}) {
    EXPECT_GT(std::ranges::count(types, type), 0) << type;
  }
}

}  // namespace
}  // namespace plumbline
