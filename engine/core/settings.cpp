// SPDX-License-Identifier: Apache-2.0
#include "engine/core/settings.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace plumbline {

namespace {

const SettingsTable kEmptyTable;

bool is_any(const Range& range) { return range.text() == kAny.text(); }

std::string expected(const std::string& type, const Range& range) {
  return is_any(range) ? type : type + ' ' + range.text();
}

// The end of a message about a value that is not in range.
std::string allowed(const Range& range) {
  return "; allowed is " + (is_any(range) ? "any finite number" : range.text());
}

SettingsTable without_name(const SettingsTable& table) {
  SettingsTable rest;
  for (const auto& [name, node] : table.entries()) {
    if (name != "name") rest.set(name, node);
  }
  return rest;
}

}  // namespace

bool Range::contains(double value) const {
  const bool above = low_included ? value >= low : value > low;
  const bool below = high_included ? value <= high : value < high;
  return above && below && std::isfinite(value);
}

std::string Range::text() const {
  const bool bounded_below = std::isfinite(low);
  const bool bounded_above = std::isfinite(high);
  if (bounded_below && bounded_above) {
    return std::string("in ") + (low_included ? "[" : "(") + shortest(low) + ", " + shortest(high) +
           (high_included ? "]" : ")");
  }
  if (bounded_below) return (low_included ? ">= " : "> ") + shortest(low);
  if (bounded_above) return (high_included ? "<= " : "< ") + shortest(high);
  return "any";
}

Place SettingsReport::place_of(std::string_view key) const {
  const auto found = std::ranges::find(resolved, key, &ResolvedSetting::key);
  return found == resolved.end() ? Place() : found->value.place;
}

Settings::Settings(const SettingsTable& given, std::string path, SettingsReport& report,
                   Place place)
    : given_(&given), path_(std::move(path)), report_(&report), place_(std::move(place)) {}

Settings Settings::declaring(const SettingsTable& given, SettingsReport& report, std::string path,
                             Place place) {
  Settings settings(given, std::move(path), report, std::move(place));
  settings.only_declares_ = true;
  return settings;
}

std::string Settings::key(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + '.' + std::string(name);
}

const SettingNode* Settings::declare(std::string_view name, std::string type,
                                     SettingNode default_value, std::string range,
                                     std::string_view meaning, const Range& bounds,
                                     std::vector<std::string> options) {
  known_.emplace_back(name);
  declared_.push_back({std::string(name), std::move(type), std::move(default_value),
                       std::move(range), std::string(meaning), bounds, std::move(options)});
  return given_->find(name);
}

void Settings::resolve(std::string_view name, SettingNode value) {
  report_->resolved.push_back({key(name), std::move(value), false});
}

ResolvedSetting* Settings::resolved(std::string_view name) {
  const auto found = std::ranges::find(report_->resolved, key(name), &ResolvedSetting::key);
  return found == report_->resolved.end() ? nullptr : &*found;
}

void Settings::settle(std::string_view name, SettingNode value) {
  if (ResolvedSetting* setting = resolved(name)) setting->value = std::move(value);
}

void Settings::restates(std::string_view name) {
  if (ResolvedSetting* setting = resolved(name)) setting->restates = true;
}

void Settings::wrong_type(std::string_view name, const SettingNode& node,
                          std::string_view expected) {
  problem(name, "is " + type_name(node) + "; expected " + std::string(expected));
}

void Settings::not_a_number(std::string_view name, const SettingNode& node,
                            std::string_view expected) {
  const auto* text = std::get_if<std::string>(&node.value);
  const std::string wrong = text == nullptr ? "" : range_problem(*text);
  if (wrong.empty()) return wrong_type(name, node, expected);
  report_->problems.push_back({node.place, "'" + key(name) + "': " + wrong});
}

void Settings::problem(std::string_view name, std::string message) {
  const SettingNode* node = given_->find(name);
  report_->problems.push_back(
      {node == nullptr ? place_ : node->place, "'" + key(name) + "' " + std::move(message)});
}

double Settings::number(std::string_view name, double default_value, const Range& range,
                        std::string_view meaning) {
  const SettingNode* node =
      declare(name, "number", {default_value, {}}, range.text(), meaning, range);
  double value = default_value;
  if (node != nullptr) {
    double given = default_value;
    if (const auto* real = std::get_if<double>(&node->value)) {
      given = *real;
    } else if (const auto* integral = std::get_if<std::int64_t>(&node->value)) {
      given = static_cast<double>(*integral);
    } else {
      not_a_number(name, *node, expected("a number", range));
    }
    if (range.contains(given)) {
      value = given;
    } else {
      problem(name, "is " + shortest(given) + allowed(range));
    }
  }
  resolve(name, {value, node == nullptr ? Place{} : node->place});
  return value;
}

std::int64_t Settings::integer(std::string_view name, std::int64_t default_value,
                               const Range& range, std::string_view meaning) {
  const SettingNode* node =
      declare(name, "integer", {default_value, {}}, range.text(), meaning, range);
  std::int64_t value = default_value;
  if (node != nullptr) {
    const auto* given = std::get_if<std::int64_t>(&node->value);
    if (given == nullptr) {
      not_a_number(name, *node, expected("an integer", range));
    } else if (!range.contains(static_cast<double>(*given))) {
      problem(name, "is " + std::to_string(*given) + allowed(range));
    } else {
      value = *given;
    }
  }
  resolve(name, {value, node == nullptr ? Place{} : node->place});
  return value;
}

bool Settings::flag(std::string_view name, bool default_value, std::string_view meaning) {
  const SettingNode* node = declare(name, "flag", {default_value, {}}, "true or false", meaning);
  bool value = default_value;
  if (node != nullptr) {
    if (const auto* given = std::get_if<bool>(&node->value)) {
      value = *given;
    } else {
      wrong_type(name, *node, "true or false");
    }
  }
  resolve(name, {value, node == nullptr ? Place{} : node->place});
  return value;
}

std::string Settings::choice(std::string_view name, std::string_view default_value,
                             const std::vector<std::string>& options, std::string_view meaning) {
  std::string listed;
  for (const std::string& option : options) listed += (listed.empty() ? "" : ", ") + option;
  const SettingNode* node = declare(name, "text", {std::string(default_value), {}},
                                    "one of " + listed, meaning, kAny, options);
  std::string value(default_value);
  if (node != nullptr) {
    const auto* given = std::get_if<std::string>(&node->value);
    if (given == nullptr) {
      wrong_type(name, *node, "one of " + listed);
    } else if (std::ranges::find(options, *given) == options.end()) {
      problem(name, "is '" + *given + "', which is unknown" + suggestion(*given, options));
    } else {
      value = *given;
    }
  }
  resolve(name, {value, node == nullptr ? Place{} : node->place});
  return value;
}

std::string Settings::text(std::string_view name, std::string_view default_value,
                           std::string_view meaning) {
  const SettingNode* node = declare(name, "text", {std::string(default_value), {}}, "any", meaning);
  std::string value(default_value);
  if (node != nullptr) {
    if (const auto* given = std::get_if<std::string>(&node->value)) {
      value = *given;
    } else {
      wrong_type(name, *node, "a text");
    }
  }
  resolve(name, {value, node == nullptr ? Place{} : node->place});
  return value;
}

std::filesystem::path Settings::file(std::string_view name, std::string_view meaning) {
  const std::string given = text(name, "", meaning);
  if (only_declares_) return {};
  if (given.empty()) {
    problem(name, "is not given, or empty");
    return {};
  }
  std::string tried;
  bool is_folder = false;
  for (const std::filesystem::path& folder : report_->folders) {
    std::filesystem::path path = folder / given;  // an absolute path is in no folder
    std::error_code unknown;
    if (std::filesystem::is_regular_file(path, unknown)) return path;
    is_folder = is_folder || std::filesystem::is_directory(path, unknown);
    tried +=
        (tried.empty() ? "" : ", ") + (folder.empty() ? "the working directory" : folder.string());
  }
  const bool is_absolute = std::filesystem::path(given).is_absolute();
  problem(name, "is '" + given + "', and " +
                    (is_folder ? "that is a folder, not a file" : "there is no such file") +
                    (is_absolute ? "" : "; looked in " + tried));
  return {};
}

std::vector<std::int64_t> Settings::integers(std::string_view name, const Range& range, Order order,
                                             std::string_view meaning) {
  const std::string kinds = order == Order::rising ? "integers in rising order" : "integers";
  const SettingNode* node =
      declare(name, "list", {SettingList{}, {}}, kinds + ", each " + range.text(), meaning, range);
  if (node == nullptr) return {};
  const auto* list = std::get_if<SettingList>(&node->value);
  if (list == nullptr) {
    wrong_type(name, *node, "a list of " + kinds);
    return {};
  }
  if (list->empty()) {
    problem(name, "is an empty list; expected " + kinds);
    return {};
  }
  std::vector<std::int64_t> values;
  for (const SettingNode& element : *list) {
    const auto* value = std::get_if<std::int64_t>(&element.value);
    std::string wrong;
    if (value == nullptr) {
      wrong = "holds " + type_name(element) + "; expected " + kinds;
    } else if (!range.contains(static_cast<double>(*value))) {
      wrong = "holds " + std::to_string(*value) + allowed(range);
    } else if (order == Order::rising && !values.empty() && *value <= values.back()) {
      wrong = "is not in rising order at " + std::to_string(*value);
    }
    if (!wrong.empty()) {
      report_->problems.push_back({element.place, "'" + key(name) + "' " + wrong});
      return {};
    }
    values.push_back(*value);
  }
  resolve(name, *node);
  return values;
}

std::vector<double> Settings::numbers(std::string_view name, const Range& range,
                                      std::string_view meaning) {
  const SettingNode* node =
      declare(name, "list", {SettingList{}, {}}, "numbers, each " + range.text(), meaning, range);
  if (node == nullptr) return {};
  const auto* list = std::get_if<SettingList>(&node->value);
  if (list == nullptr) {
    wrong_type(name, *node, "a list of numbers");
    return {};
  }
  if (list->empty()) {
    problem(name, "is an empty list; expected numbers");
    return {};
  }
  std::vector<double> values;
  SettingList resolved_list;
  for (const SettingNode& element : *list) {
    double value = 0;
    std::string wrong;
    if (const auto* real = std::get_if<double>(&element.value)) {
      value = *real;
    } else if (const auto* integral = std::get_if<std::int64_t>(&element.value)) {
      value = static_cast<double>(*integral);
    } else {
      wrong = "holds " + type_name(element) + "; expected numbers";
    }
    if (wrong.empty() && !range.contains(value)) {
      wrong = "holds " + shortest(value) + allowed(range);
    }
    if (!wrong.empty()) {
      report_->problems.push_back({element.place, "'" + key(name) + "' " + wrong});
      return {};
    }
    values.push_back(value);
    resolved_list.push_back({value, element.place});
  }
  resolve(name, {std::move(resolved_list), node->place});
  return values;
}

std::vector<std::string> Settings::texts(std::string_view name, std::string_view meaning) {
  const SettingNode* node = declare(name, "list", {SettingList{}, {}}, "texts", meaning);
  if (node == nullptr) return {};
  const auto* list = std::get_if<SettingList>(&node->value);
  if (list == nullptr) {
    wrong_type(name, *node, "a list of texts");
    return {};
  }
  if (list->empty()) {
    problem(name, "is an empty list; expected texts");
    return {};
  }
  std::vector<std::string> values;
  for (const SettingNode& element : *list) {
    const auto* value = std::get_if<std::string>(&element.value);
    std::string wrong;
    if (value == nullptr) {
      wrong = "holds " + type_name(element) + "; expected texts";
    } else if (std::ranges::find(values, *value) != values.end()) {
      wrong = "holds '" + *value + "' twice";
    }
    if (!wrong.empty()) {
      report_->problems.push_back({element.place, "'" + key(name) + "' " + wrong});
      return {};
    }
    values.push_back(*value);
  }
  resolve(name, *node);
  return values;
}

Settings::Plugin Settings::plugin(std::string_view name, std::string_view default_value,
                                  const std::vector<std::string>& names, std::string_view kind,
                                  std::string_view meaning) {
  const SettingNode* node = declare(name, "plugin", {std::string(default_value), {}},
                                    std::string(kind), meaning, kAny, names);
  const SettingNode absent{SettingsTable(), place_};
  return plugin_of(name, node == nullptr ? absent : *node, default_value, names, kind);
}

std::vector<Settings::Plugin> Settings::plugins(std::string_view name,
                                                const std::vector<std::string>& names,
                                                std::string_view kind, std::string_view meaning) {
  const SettingNode* node =
      declare(name, "plugins", {SettingList{}, {}}, std::string(kind), meaning);
  if (node == nullptr) return {};
  const auto* list = std::get_if<SettingList>(&node->value);
  if (list == nullptr) {
    wrong_type(name, *node, "a list of " + std::string(kind));
    return {};
  }
  if (list->empty()) {
    problem(name, "is an empty list; expected " + std::string(kind));
    return {};
  }
  std::vector<Plugin> chosen;
  for (const SettingNode& element : *list) {
    const std::string number = std::string(name) + '.' + std::to_string(chosen.size() + 1);
    chosen.push_back(plugin_of(number, element, "", names, kind));
  }
  return chosen;
}

Settings::Plugin Settings::plugin_of(std::string_view name, const SettingNode& node,
                                     std::string_view default_value,
                                     const std::vector<std::string>& names, std::string_view kind) {
  SettingsTable table;
  if (std::holds_alternative<std::string>(node.value)) {
    table.set("name", node);
  } else if (const auto* given = std::get_if<SettingsTable>(&node.value)) {
    table = *given;
    if (default_value.empty() && given->find("name") == nullptr) {
      report_->problems.push_back(
          {node.place,
           "'" + key(name) + "' has no `name`; expected one of the " + std::string(kind)});
    }
  } else {
    report_->problems.push_back({node.place, "'" + key(name) + "' is " + type_name(node) +
                                                 "; expected the name of one of the " +
                                                 std::string(kind) + ", or a table with `name`"});
  }
  return Settings(table, key(name), *report_, node.place).plugin_here(default_value, names, kind);
}

Settings::Plugin Settings::plugin_here(std::string_view default_value,
                                       const std::vector<std::string>& names,
                                       std::string_view kind) {
  known_.emplace_back("name");
  const SettingNode* node = given_->find("name");
  std::string value(default_value);
  if (node != nullptr) {
    const auto* given = std::get_if<std::string>(&node->value);
    if (given == nullptr) {
      wrong_type("name", *node, "the name of one of the " + std::string(kind));
    } else if (std::ranges::find(names, *given) == names.end()) {
      report_->problems.push_back({node->place, "'" + *given + "' is not among the " +
                                                    std::string(kind) + suggestion(*given, names)});
      value.clear();
    } else {
      value = *given;
    }
  }
  resolve("name", {value, node == nullptr ? place_ : node->place});
  return {value, without_name(*given_), path_, node == nullptr ? place_ : node->place};
}

Settings Settings::table(std::string_view name) {
  known_.emplace_back(name);
  const SettingNode* node = given_->find(name);
  if (node == nullptr) return {kEmptyTable, key(name), *report_, place_};
  if (const auto* given = std::get_if<SettingsTable>(&node->value)) {
    return {*given, key(name), *report_, node->place};
  }
  wrong_type(name, *node, "a table");
  return {kEmptyTable, key(name), *report_, node->place};
}

void Settings::holds(std::string_view name, std::string plugin,
                     const std::vector<SettingInfo>& settings) {
  Held held{std::string(name), std::move(plugin), {}};
  for (const SettingInfo& setting : settings) held.settings.push_back(setting.name);
  held_.push_back(std::move(held));
}

std::string Settings::hint(std::string_view unknown) const {
  const std::string owner = owner_.empty() ? "" : " of " + owner_;
  for (const Held& held : held_) {
    if (std::ranges::find(held.settings, unknown) == held.settings.end()) continue;
    return owner + "; " + held.plugin + " has it: '" + key(held.setting) + '.' +
           std::string(unknown) + "'";
  }
  const bool is_near = !nearest_name(unknown, known_).empty();
  return (is_near ? "" : owner) + suggestion(unknown, known_);
}

void Settings::finish() {
  for (const auto& [name, node] : given_->entries()) {
    if (std::ranges::find(known_, name) != known_.end()) continue;
    const std::string mistake = "'" + key(name) + "' is not a setting";
    report_->problems.push_back({node.place, mistake + hint(name), mistake});
  }
}

}  // namespace plumbline
