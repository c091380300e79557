// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/error.hpp"

namespace plumbline {

/// A "key=value" argument taken apart. Each value is text that is still to be read.
struct Override {
  std::string key;
  std::vector<std::string> values;  ///< more than one makes an axis

  bool operator==(const Override&) const = default;
};

/// Splits at the first '=' and then at the commas that stand outside brackets, braces and quotes.
/// What is malformed goes to `problems`, with the argument as its place.
std::optional<Override> parse_override(std::string_view argument, std::vector<Problem>& problems);

}  // namespace plumbline
