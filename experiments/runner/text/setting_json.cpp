// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/text/setting_json.hpp"

#include <cmath>
#include <variant>

namespace plumbline {

namespace {

using nlohmann::ordered_json;

struct ToJson {
  ordered_json operator()(bool value) const { return value; }
  ordered_json operator()(std::int64_t value) const { return value; }
  ordered_json operator()(double value) const {
    if (std::isnan(value)) return nullptr;
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    return value;
  }
  ordered_json operator()(const std::string& value) const { return value; }
  ordered_json operator()(const SettingList& list) const {
    ordered_json array = ordered_json::array();
    for (const SettingNode& element : list) array.push_back(setting_json(element));
    return array;
  }
  ordered_json operator()(const SettingsTable& table) const {
    ordered_json object = ordered_json::object();
    for (const auto& [name, value] : table.entries()) object[name] = setting_json(value);
    return object;
  }
};

}  // namespace

ordered_json setting_json(const SettingNode& node) { return std::visit(ToJson(), node.value); }

}  // namespace plumbline
