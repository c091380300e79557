// SPDX-License-Identifier: Apache-2.0
// Every schedule against the golden factors of tests/golden/schedules, which
// scripts/reference/schedules.py makes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/schedules/schedule.hpp"
#include "tests/plugins.hpp"

namespace plumbline {
namespace {

// Both are float64 with a handful of roundings of 1.1e-16; where a cosine has come down to
// (1 + cos) / 2 = 2.5e-4 = (pi / 2 / 100)^2, the last update of 100, relative to that: 5e-13.
constexpr double kTolerance = 1e-12;
// What a setting that is given changes, in some update.
constexpr double kEffect = 1e-3;

const std::filesystem::path kFolder =
    std::filesystem::path(PLUMBLINE_SOURCE_DIR) / "tests" / "golden" / "schedules";

nlohmann::json golden(const std::string& name) {
  std::ifstream file(kFolder / (name + ".json"));
  if (!file) throw std::runtime_error("no golden file for " + name);
  return nlohmann::json::parse(file);
}

SettingsTable table_of_json(const nlohmann::json& object);

SettingNode node_of(const nlohmann::json& value) {
  if (value.is_boolean()) return {value.get<bool>(), {}};
  if (value.is_string()) return {value.get<std::string>(), {}};
  if (value.is_number_integer()) return {value.get<std::int64_t>(), {}};
  if (value.is_number()) return {value.get<double>(), {}};
  if (value.is_object()) return {table_of_json(value), {}};
  SettingList list;
  for (const nlohmann::json& element : value) list.push_back(node_of(element));
  return {list, {}};
}

SettingsTable table_of_json(const nlohmann::json& object) {
  SettingsTable table;
  for (const auto& [name, value] : object.items()) table.set(name, node_of(value));
  return table;
}

std::string name_of(const testing::TestParamInfo<std::string>& info) { return info.param; }

class EveryGoldenSchedule : public testing::TestWithParam<std::string> {
 protected:
  const nlohmann::json golden_ = golden(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Golden, EveryGoldenSchedule,
                         testing::ValuesIn(schedule_catalogue().names()), name_of);

TEST_P(EveryGoldenSchedule, AgreesWithTheGoldenFactorsAtEveryUpdate) {
  for (const auto& one : golden_.at("cases")) {
    const auto schedule =
        made(schedule_catalogue(), GetParam().c_str(), table_of_json(one.at("settings")));
    const auto steps = one.at("steps").get<std::int64_t>();
    const auto factors = one.at("factors").get<std::vector<double>>();
    ASSERT_EQ(factors.size(), static_cast<std::size_t>(steps));
    for (std::int64_t step = 1; step <= steps; ++step) {
      const double expected = factors[static_cast<std::size_t>(step - 1)];
      EXPECT_NEAR(schedule->factor(step, steps), expected, kTolerance * std::abs(expected))
          << "update " << step << " with " << one.at("settings");
    }
  }
}

TEST_P(EveryGoldenSchedule, HasTheDefaultsOfTheGoldenFile) {
  const std::vector<SettingInfo>& declared = schedule_catalogue().find(GetParam())->info.settings;
  const nlohmann::json& defaults = golden_.at("defaults");
  EXPECT_EQ(defaults.size(), declared.size());
  for (const SettingInfo& setting : declared) {
    EXPECT_EQ(to_string(node_of(defaults.at(setting.name))), to_string(setting.default_value))
        << setting.name;
  }
}

// The cases stand in pairs, of a short and a long run; the first pair has the defaults.
TEST_P(EveryGoldenSchedule, HasGoldenCasesInWhichEverySettingDiffersFromItsDefault) {
  const nlohmann::json& cases = golden_.at("cases");
  const std::size_t settings = schedule_catalogue().find(GetParam())->info.settings.size();
  EXPECT_GE(cases.size(), settings == 0 ? 2 : 6);
  EXPECT_TRUE(cases.at(0).at("settings").empty());
  EXPECT_EQ(cases.at(0).at("steps"), 10);
  EXPECT_EQ(cases.at(1).at("steps"), 100);
  for (const auto& [name, value] : golden_.at("defaults").items()) {
    EXPECT_TRUE(std::ranges::any_of(cases, [&](const nlohmann::json& one) {
      return one.at("settings").contains(name) && one.at("settings").at(name) != value;
    })) << name;
  }
  for (std::size_t i = 2; i < cases.size(); ++i) {
    const auto factors = cases.at(i).at("factors").get<std::vector<double>>();
    const auto with_defaults = cases.at(i % 2).at("factors").get<std::vector<double>>();
    ASSERT_EQ(factors.size(), with_defaults.size());
    double largest = 0;
    for (std::size_t t = 0; t < factors.size(); ++t) {
      largest = std::max(largest, std::abs(factors[t] - with_defaults[t]));
    }
    EXPECT_GT(largest, kEffect) << cases.at(i).at("settings");
  }
}

TEST_P(EveryGoldenSchedule, HasAGoldenFileThatSaysWhatItWasCheckedAgainst) {
  EXPECT_GT(golden_.at("cross_check").get<std::string>().size(), 20);
  EXPECT_EQ(golden_.at("made_by"), "scripts/reference/schedules.py " + GetParam());
}

TEST(GoldenSchedules, HaveNoFileWithoutASchedule) {
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    EXPECT_NE(schedule_catalogue().find(entry.path().stem().string()), nullptr) << entry.path();
  }
}

}  // namespace
}  // namespace plumbline
