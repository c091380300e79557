// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/core/settings.hpp"

namespace plumbline {

/// A reference to a part of the schema with this name.
nlohmann::ordered_json schema_reference(const std::string& name);

/// Any of the alternatives, each once; the one where there is one.
nlohmann::ordered_json any_of(const std::vector<nlohmann::ordered_json>& alternatives);

/// A table of these keys and no others.
nlohmann::ordered_json closed_table(nlohmann::ordered_json properties);

/// Adds what an editor shows of the setting: its meaning, its range and its default.
nlohmann::ordered_json described(nlohmann::ordered_json schema, const SettingInfo& setting);

/// The values of a number, an integer, a flag, a text or a list.
nlohmann::ordered_json plain_value_schema(const SettingInfo& setting);

}  // namespace plumbline
