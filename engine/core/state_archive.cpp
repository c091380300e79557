// SPDX-License-Identifier: Apache-2.0
#include "engine/core/state_archive.hpp"

#include <algorithm>
#include <bit>
#include <string>

namespace plumbline {

static_assert(std::endian::native == std::endian::little, "the format is that of memory");

void StateArchive::carry_bytes(std::span<std::byte> value) {
  std::uint64_t size = value.size();
  const std::span<std::byte> size_bytes = std::as_writable_bytes(std::span(&size, 1));
  if (!restores()) {
    saved_->insert(saved_->end(), size_bytes.begin(), size_bytes.end());
    saved_->insert(saved_->end(), value.begin(), value.end());
    return;
  }
  if (left_.size() < size_bytes.size()) throw StateError("ends before all values have come");
  std::ranges::copy(left_.first(size_bytes.size()), size_bytes.begin());
  left_ = left_.subspan(size_bytes.size());
  if (size != value.size()) {
    throw StateError("has a value of " + std::to_string(size) + " bytes where one of " +
                     std::to_string(value.size()) + " is expected");
  }
  if (left_.size() < size) throw StateError("ends within a value");
  std::ranges::copy(left_.first(value.size()), value.begin());
  left_ = left_.subspan(value.size());
}

// A bool of any byte but 0 and 1 has no defined behaviour.
void StateArchive::carry_flag(bool& flag) {
  std::uint8_t byte = flag ? 1 : 0;
  carry(byte);
  if (byte > 1) throw StateError("has a flag that is neither 0 nor 1");
  flag = byte == 1;
}

void StateArchive::count(std::size_t& length, std::size_t most) {
  std::uint64_t number = length;
  carry(number);
  if (number > most) {
    throw StateError("has a length of " + std::to_string(number) + ", more than " +
                     std::to_string(most));
  }
  length = static_cast<std::size_t>(number);
}

void StateArchive::finish() const {
  if (!left_.empty()) throw StateError("has more bytes than values");
}

}  // namespace plumbline
