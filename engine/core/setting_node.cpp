// SPDX-License-Identifier: Apache-2.0
#include "engine/core/setting_node.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace plumbline {

namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

std::string in_quotes(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

template <class Number>
bool is_out_of_range(const std::string& word) {
  const char* begin = word.data() + (word.starts_with('+') ? 1 : 0);
  const char* end = word.data() + word.size();
  Number value = 0;
  const auto [last, error] = std::from_chars(begin, end, value);
  return error == std::errc::result_out_of_range && last == end;
}

}  // namespace

std::string shortest(double value) {
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end};
}

std::string range_problem(const std::string& word) {
  std::string digits = word;
  std::erase(digits, '_');
  if (is_out_of_range<std::int64_t>(digits)) {
    return '\'' + word + "' is out of the range of integers, which ends at 2^63 - 1";
  }
  if (is_out_of_range<double>(digits)) {
    return '\'' + word + "' is out of the range of numbers, which ends near 1.8e308";
  }
  return "";
}

const SettingNode* SettingsTable::find(std::string_view name) const {
  const auto found = std::ranges::find(entries_, name, &std::pair<std::string, SettingNode>::first);
  return found == entries_.end() ? nullptr : &found->second;
}

SettingNode& SettingsTable::set(std::string_view name, SettingNode value) {
  const auto found = std::ranges::find(entries_, name, &std::pair<std::string, SettingNode>::first);
  if (found != entries_.end()) {
    found->second = std::move(value);
    return found->second;
  }
  return entries_.emplace_back(name, std::move(value)).second;
}

void SettingsTable::set_path(std::string_view path, SettingNode value) {
  SettingsTable* table = this;
  std::size_t begin = 0;
  for (std::size_t dot = path.find('.'); dot != path.npos; dot = path.find('.', begin)) {
    const std::string_view part = path.substr(begin, dot - begin);
    begin = dot + 1;
    const SettingNode* found = table->find(part);
    if (found == nullptr) {
      table->set(part, {SettingsTable{}, value.place});
    } else if (std::holds_alternative<std::string>(found->value)) {
      SettingsTable plugin;
      plugin.set("name", *found);
      table->set(part, {std::move(plugin), found->place});
    } else if (!std::holds_alternative<SettingsTable>(found->value)) {
      throw DefinitionError(
          {{value.place, "'" + std::string(path.substr(0, dot)) + "' is " + type_name(*found) +
                             ", so it has no setting '" + std::string(path.substr(begin)) + "'"}});
    }
    auto& node = const_cast<SettingNode&>(*table->find(part));
    table = &std::get<SettingsTable>(node.value);
  }
  const std::string_view last = path.substr(begin);
  const SettingNode* found = table->find(last);
  const bool names_a_plugin = found != nullptr &&
                              std::holds_alternative<SettingsTable>(found->value) &&
                              std::holds_alternative<std::string>(value.value);
  if (names_a_plugin) {
    auto& node = const_cast<SettingNode&>(*found);
    std::get<SettingsTable>(node.value).set("name", std::move(value));
  } else {
    table->set(last, std::move(value));
  }
}

std::string type_name(const SettingNode& node) {
  return std::visit(
      Overloaded{[](bool) { return "a flag"; }, [](std::int64_t) { return "an integer"; },
                 [](double) { return "a number"; }, [](const std::string&) { return "a text"; },
                 [](const SettingList&) { return "a list"; },
                 [](const SettingsTable&) { return "a table"; }},
      node.value);
}

std::string to_string(const SettingNode& node) {
  return std::visit(Overloaded{[](bool value) { return std::string(value ? "true" : "false"); },
                               [](std::int64_t value) { return std::to_string(value); },
                               [](double value) { return shortest(value); },
                               [](const std::string& value) { return in_quotes(value); },
                               [](const SettingList& list) {
                                 std::string text = "[";
                                 for (const SettingNode& element : list) {
                                   if (text.size() > 1) text += ", ";
                                   text += to_string(element);
                                 }
                                 return text + "]";
                               },
                               [](const SettingsTable& table) {
                                 std::string text = "{";
                                 for (const auto& [name, value] : table.entries()) {
                                   text += (text.size() > 1 ? ", " : " ") + name + " = " +
                                           to_string(value);
                                 }
                                 return text + " }";
                               }},
                    node.value);
}

}  // namespace plumbline
