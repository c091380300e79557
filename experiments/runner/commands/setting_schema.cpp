// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/setting_schema.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include "experiments/runner/text/setting_json.hpp"

namespace plumbline {

namespace {

using nlohmann::ordered_json;

// Without a fraction where it has none, as integers have bounds too.
ordered_json bound(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (std::trunc(value) == value && std::abs(value) <= kExact) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

ordered_json within(const char* type, const Range& range) {
  ordered_json schema = {{"type", type}};
  if (std::isfinite(range.low)) {
    schema[range.low_included ? "minimum" : "exclusiveMinimum"] = bound(range.low);
  }
  if (std::isfinite(range.high)) {
    schema[range.high_included ? "maximum" : "exclusiveMaximum"] = bound(range.high);
  }
  return schema;
}

// Of a list, whose range begins with what it holds.
ordered_json elements(const SettingInfo& setting) {
  if (setting.range.starts_with("integers")) return within("integer", setting.bounds);
  if (setting.range.starts_with("numbers")) return within("number", setting.bounds);
  return {{"type", "string"}};
}

bool is_empty(const SettingNode& node) {
  const auto* text = std::get_if<std::string>(&node.value);
  const auto* list = std::get_if<SettingList>(&node.value);
  return (text != nullptr && text->empty()) || (list != nullptr && list->empty()) ||
         std::holds_alternative<SettingsTable>(node.value);
}

}  // namespace

ordered_json schema_reference(const std::string& name) {
  return {{"$ref", "#/definitions/" + name}};
}

ordered_json any_of(const std::vector<ordered_json>& alternatives) {
  ordered_json different = ordered_json::array();
  for (const ordered_json& one : alternatives) {
    if (std::ranges::find(different, one) == different.end()) different.push_back(one);
  }
  if (different.size() == 1) return different.front();
  return {{"anyOf", std::move(different)}};
}

ordered_json closed_table(ordered_json properties) {
  return {
      {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
}

ordered_json described(ordered_json schema, const SettingInfo& setting) {
  // What stands beside a reference counts for nothing in draft 7.
  if (schema.contains("$ref")) schema = {{"allOf", ordered_json::array({std::move(schema)})}};
  std::string text = setting.meaning;
  const bool is_said = setting.range.empty() || setting.range == kAny.text() ||
                       setting.type == "plugin" || setting.type == "plugins" ||
                       setting.type == "table";
  if (!is_said) text += "\n\n" + setting.type + ", " + setting.range;
  schema["description"] = std::move(text);
  if (!is_empty(setting.default_value)) schema["default"] = setting_json(setting.default_value);
  return schema;
}

ordered_json plain_value_schema(const SettingInfo& setting) {
  if (setting.type == "number" || setting.type == "integer") {
    return within(setting.type.c_str(), setting.bounds);
  }
  if (setting.type == "flag") return {{"type", "boolean"}};
  if (setting.type == "list") {
    return {{"type", "array"}, {"minItems", 1}, {"items", elements(setting)}};
  }
  if (setting.type != "text") throw std::logic_error("a setting of type " + setting.type);
  if (setting.options.empty()) return {{"type", "string"}};
  return {{"type", "string"}, {"enum", setting.options}};
}

}  // namespace plumbline
