// SPDX-License-Identifier: Apache-2.0
#include "engine/core/digest.hpp"

#include <xxhash.h>

namespace plumbline {

std::uint64_t digest_number(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::string digest(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::uint64_t hash = digest_number(bytes);
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, hash >>= 4) {
    *digit = kDigits[hash & 0xF];
  }
  return text;
}

}  // namespace plumbline
