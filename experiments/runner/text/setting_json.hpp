// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "engine/core/settings.hpp"

namespace plumbline {

/// The value in JSON, keys in their order. JSON has no infinities and no NaN: they are the strings
/// "inf" and "-inf", and null.
nlohmann::ordered_json setting_json(const SettingNode& node);

}  // namespace plumbline
