// SPDX-License-Identifier: Apache-2.0
#include "engine/core/digest.hpp"

#include <new>

#include <xxhash.h>

namespace plumbline {

namespace {

std::string hex(std::uint64_t hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, hash >>= 4) {
    *digit = kDigits[hash & 0xF];
  }
  return text;
}

}  // namespace

std::uint64_t digest_number(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::string digest(std::span<const std::byte> bytes) { return hex(digest_number(bytes)); }

StreamedDigest::StreamedDigest()
    : state_(XXH3_createState(), [](XXH3_state_s* state) { XXH3_freeState(state); }) {
  if (state_ == nullptr) throw std::bad_alloc();
  XXH3_64bits_reset(state_.get());
}

void StreamedDigest::add(std::span<const std::byte> bytes) {
  XXH3_64bits_update(state_.get(), bytes.data(), bytes.size());
}

std::string StreamedDigest::text() const { return hex(XXH3_64bits_digest(state_.get())); }

}  // namespace plumbline
