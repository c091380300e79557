// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct XXH3_state_s;

namespace plumbline {

/// XXH3, 64 bits. Not a cryptographic hash.
std::uint64_t digest_number(std::span<const std::byte> bytes);

/// Its 16 hex digits.
std::string digest(std::span<const std::byte> bytes);

inline std::string digest(std::string_view text) { return digest(std::as_bytes(std::span(text))); }

/// The digest of bytes that come piece by piece.
class StreamedDigest {
 public:
  StreamedDigest();

  void add(std::span<const std::byte> bytes);
  /// The 16 hex digits of all so far.
  std::string text() const;

 private:
  std::unique_ptr<XXH3_state_s, void (*)(XXH3_state_s*)> state_;
};

}  // namespace plumbline
