// SPDX-License-Identifier: Apache-2.0
// The golden trajectories of tests/golden/optimizers, which scripts/reference/optimizers.py makes.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/core/parameters.hpp"
#include "engine/core/settings.hpp"
#include "engine/optimizers/optimizer.hpp"

namespace plumbline {

struct GoldenCase {
  SettingsTable settings;
  std::vector<double> schedule_factors;
  /// The parameters after so many steps.
  std::map<int, std::vector<double>> after;
  /// The evaluation point after so many steps, where it is not where the optimizer trains.
  std::map<int, std::vector<double>> evaluation;
  /// Where the gradients are those of an objective: its description; else null.
  nlohmann::json objective;
};

struct Golden {
  ParameterLayout layout;
  std::vector<double> initial;
  std::vector<std::vector<double>> gradients;
  std::vector<GoldenCase> cases;
  std::string cross_check;
};

inline ParameterGroup group_named(const std::string& name) {
  for (const ParameterGroup group :
       {ParameterGroup::input, ParameterGroup::hidden, ParameterGroup::output, ParameterGroup::bias,
        ParameterGroup::norm}) {
    if (name == to_string(group)) return group;
  }
  throw std::runtime_error("no parameter group " + name);
}

inline SettingNode setting_of(const nlohmann::json& value) {
  if (value.is_object()) {
    SettingsTable table;
    for (const auto& [name, inner] : value.items()) table.set(name, setting_of(inner));
    return {std::move(table), {}};
  }
  if (value.is_boolean()) return {value.get<bool>(), {}};
  if (value.is_string()) return {value.get<std::string>(), {}};
  if (value.is_number_integer()) return {value.get<std::int64_t>(), {}};
  return {value.get<double>(), {}};
}

inline std::filesystem::path golden_path(const std::string& optimizer) {
  return std::filesystem::path(PLUMBLINE_SOURCE_DIR) / "tests" / "golden" / "optimizers" /
         (optimizer + ".json");
}
inline bool has_golden(const std::string& optimizer) {
  return std::filesystem::exists(golden_path(optimizer));
}

/// The golden file of an optimizer. Of one that has none yet: another's start and gradients with the
/// default settings, and no trajectory.
inline Golden golden(const std::string& optimizer) {
  if (!has_golden(optimizer)) {
    Golden borrowed = golden("adam");
    GoldenCase with_defaults;
    with_defaults.schedule_factors = borrowed.cases.front().schedule_factors;
    if (optimizer_catalogue().find(optimizer)->scope == UpdateScope::objective) {
      const std::vector<double> ones(borrowed.initial.size(), 1.0);
      with_defaults.objective = {{"curvature", ones}, {"center", ones}};
    }
    borrowed.cases = {with_defaults};
    return borrowed;
  }
  const std::filesystem::path path = golden_path(optimizer);
  std::ifstream file(path);
  if (!file) throw std::runtime_error("no golden file " + path.string());
  const nlohmann::json data = nlohmann::json::parse(file);
  Golden result;
  for (const auto& tensor : data.at("tensors")) {
    result.layout.add(tensor.at("name"), tensor.at("layer"), group_named(tensor.at("group")),
                      tensor.at("rows"), tensor.at("cols"));
  }
  result.initial = data.at("initial").get<std::vector<double>>();
  if (data.contains("gradients")) {
    result.gradients = data.at("gradients").get<std::vector<std::vector<double>>>();
  }
  result.cross_check = data.at("cross_check");
  for (const auto& one : data.at("cases")) {
    GoldenCase golden_case;
    for (const auto& [name, value] : one.at("settings").items()) {
      golden_case.settings.set(name, setting_of(value));
    }
    golden_case.schedule_factors = one.at("schedule_factors").get<std::vector<double>>();
    for (const auto& [step, parameters] : one.at("after").items()) {
      golden_case.after[std::stoi(step)] = parameters.get<std::vector<double>>();
    }
    if (one.contains("evaluation")) {
      for (const auto& [step, point] : one.at("evaluation").items()) {
        golden_case.evaluation[std::stoi(step)] = point.get<std::vector<double>>();
      }
    }
    if (one.contains("objective")) golden_case.objective = one.at("objective");
    result.cases.push_back(std::move(golden_case));
  }
  return result;
}

}  // namespace plumbline
