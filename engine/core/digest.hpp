// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace plumbline {

/// XXH3, 64 bits. Not a cryptographic hash.
std::uint64_t digest_number(std::span<const std::byte> bytes);

/// Its 16 hex digits.
std::string digest(std::span<const std::byte> bytes);

inline std::string digest(std::string_view text) { return digest(std::as_bytes(std::span(text))); }

}  // namespace plumbline
