// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace plumbline {

/// The SHA-256 digest (FIPS 180-4), as 64 hex digits: for what others state or check the digest of. Our
/// own content has the faster digest() of digest.hpp.
std::string sha256_hex(std::span<const std::byte> content);

inline std::string sha256_hex(std::string_view text) {
  return sha256_hex(std::as_bytes(std::span(text)));
}

}  // namespace plumbline
