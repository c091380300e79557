// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "engine/core/setting_node.hpp"

namespace plumbline {

/// The settings that "key=value" arguments say by themselves, without a definition: one value a key, read as
/// an override's is. What is malformed, and a key that stands twice, goes to `problems`, with the argument as
/// its place.
SettingsTable read_argument_settings(const std::vector<std::string>& arguments,
                                     std::vector<Problem>& problems);

}  // namespace plumbline
