// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <vector>

namespace plumbline {

/// Bytes that are not the state of what shall take it up. The message says what is wrong with them, as
/// the rest of a sentence about them.
class StateError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Takes values that outlive a step of a run into bytes, and back. Whoever has such values lists them once,
///   kept(m_, v_, started_);
/// and that line saves them and restores them. Each stands as the number of its bytes, which takes 8, and
/// these bytes as they are in memory, little-endian. No number is trusted: one that is not that of the
/// value to be restored is a StateError. So vectors have their lengths before, by the settings, and
/// whatever the bytes are, nothing is allocated for them or read beyond them.
class StateArchive {
 public:
  /// Appends to `bytes`, which must outlive the archive.
  static StateArchive saving(std::vector<std::byte>& bytes) { return StateArchive(&bytes, {}); }
  static StateArchive restoring(std::span<const std::byte> bytes) {
    return StateArchive(nullptr, bytes);
  }

  bool restores() const { return saved_ == nullptr; }

  /// Numbers, flags, and vectors, arrays and spans of numbers.
  template <typename... Values>
  void operator()(Values&&... values) {
    (carry(values), ...);
  }

  /// A length that does not follow from the settings, but for a bound: more than `most` is a StateError.
  void count(std::size_t& length, std::size_t most);

  /// After all is restored: throws StateError where bytes are left.
  void finish() const;

 private:
  StateArchive(std::vector<std::byte>* saved, std::span<const std::byte> left)
      : saved_(saved), left_(left) {}

  template <typename Value>
  void carry(Value& value) {
    if constexpr (std::is_same_v<Value, bool>) {
      carry_flag(value);
    } else if constexpr (std::is_arithmetic_v<Value>) {
      carry_bytes(std::as_writable_bytes(std::span(&value, 1)));
    } else {
      const std::span values(value);
      static_assert(std::is_arithmetic_v<typename decltype(values)::element_type>);
      static_assert(!std::is_same_v<typename decltype(values)::element_type, bool>);
      carry_bytes(std::as_writable_bytes(values));
    }
  }

  void carry_flag(bool& flag);
  void carry_bytes(std::span<std::byte> value);

  std::vector<std::byte>* saved_;    // null where it restores
  std::span<const std::byte> left_;  // to be restored from
};

}  // namespace plumbline
