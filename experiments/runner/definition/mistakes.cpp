// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/mistakes.hpp"

#include <utility>

namespace plumbline {

void Mistakes::add(const Place& place, std::string message) {
  problems_->push_back({place, std::move(message)});
}

void Mistakes::add(const DefinitionError& error) {
  problems_->insert(problems_->end(), error.problems().begin(), error.problems().end());
}

void Mistakes::unknown(std::string_view key, std::string_view name, const Place& place,
                       const std::vector<std::string>& known) {
  add(place, "'" + std::string(key) + "' is not a setting" + suggestion(name, known));
}

void Mistakes::wrong_type(std::string_view key, const SettingNode& node,
                          std::string_view expected) {
  add(node.place,
      "'" + std::string(key) + "' is " + type_name(node) + "; expected " + std::string(expected));
}

void Mistakes::not_an_integer(std::string_view key, const SettingNode& node,
                              std::string_view expected) {
  const auto* text = std::get_if<std::string>(&node.value);
  const std::string wrong = text == nullptr ? "" : range_problem(*text);
  if (wrong.empty()) return wrong_type(key, node, expected);
  add(node.place, "'" + std::string(key) + "': " + wrong);
}

}  // namespace plumbline
