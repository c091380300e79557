// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace plumbline {

/// "run" for 1, "runs" for any other number: of a noun whose plural has an s.
inline std::string noun_for(std::size_t n, std::string_view noun) {
  return std::string(noun) + (n == 1 ? "" : "s");
}

/// "1 run", "2 runs".
inline std::string counted(std::size_t n, std::string_view noun) {
  return std::to_string(n) + ' ' + noun_for(n, noun);
}

}  // namespace plumbline
