// SPDX-License-Identifier: Apache-2.0
// Comparing floating-point numbers bit for bit.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace plumbline {

template <typename T>
auto bits_of(T value) {
  using Word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  return std::bit_cast<Word>(value);
}

/// Equal in all bits, or both NaN: the sign and payload of a NaN are no part of any promise.
template <typename T>
bool same_number(T a, T b) {
  return bits_of(a) == bits_of(b) || (std::isnan(a) && std::isnan(b));
}

/// How many elements differ; the spans have one length.
template <typename T>
std::size_t differences(std::span<const T> a, std::span<const T> b) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += same_number(a[i], b[i]) ? 0 : 1;
  return count;
}

}  // namespace plumbline
