// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/core/setting_node.hpp"

namespace plumbline {

/// The problems of a definition in the words that its readers share. The list must outlive this.
class Mistakes {
 public:
  explicit Mistakes(std::vector<Problem>& problems) : problems_(&problems) {}

  void add(const Place& place, std::string message);
  void add(const DefinitionError& error);
  /// "'sweep.seed' is not a setting; did you mean 'seeds'?", of the part `name` of the key.
  void unknown(std::string_view key, std::string_view name, const Place& place,
               const std::vector<std::string>& known);
  void wrong_type(std::string_view key, const SettingNode& node, std::string_view expected);
  /// The same, for a word that may be an integer beyond all range.
  void not_an_integer(std::string_view key, const SettingNode& node, std::string_view expected);

 private:
  std::vector<Problem>* problems_;
};

}  // namespace plumbline
