// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "engine/core/catalogue.hpp"

namespace plumbline {

/// The plug-ins of one kind, sorted by name; they live as long as the program.
struct PluginKind {
  std::string name;  ///< "activations"
  std::vector<const PluginInfo*> plugins;
};

/// The plug-ins of this build, kind by kind.
std::vector<PluginKind> plugin_kinds();

}  // namespace plumbline
