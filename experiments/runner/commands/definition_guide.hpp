// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "engine/core/settings.hpp"

namespace plumbline {

/// A table of a definition as `describe` prints it: what it is for, its keys, and where it stands for
/// plug-ins their kind and names.
struct GuidedTable {
  std::string name;
  std::string summary;
  std::vector<SettingInfo> settings;
  std::string kind = {};  ///< "optimizers"; empty where the table is no plug-in
  std::vector<std::string> plugins = {};
};

/// Every table that a definition may have. Keys, defaults and names are asked of the code that reads
/// them.
std::vector<GuidedTable> definition_guide();

/// The tables in [[study]], of whose keys definition_guide() has those with their whole names.
std::vector<GuidedTable> tables_of_studies();

}  // namespace plumbline
