// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/traffic.hpp"

#include <cstddef>

#include <xsimd/xsimd.hpp>

namespace plumbline {

namespace {

using Lanes = xsimd::batch<float>;

double read_and_written(std::span<const float> x) {
  return 2.0 * static_cast<double>(x.size_bytes());
}

}  // namespace

double scaled_copy(std::span<const float> from, float factor, std::span<float> to) {
  const Lanes factors(factor);
  std::size_t i = 0;
#pragma GCC unroll 4
  for (; i + Lanes::size <= from.size(); i += Lanes::size) {
    (factors * Lanes::load_unaligned(&from[i])).store_unaligned(&to[i]);
  }
  for (; i < from.size(); ++i) to[i] = factor * from[i];
  return read_and_written(from);
}

double scaled_in_place(std::span<float> x, float factor) {
  constexpr std::size_t kParts = 4;
  const Lanes factors(factor);
  const std::size_t part = x.size() / (kParts * Lanes::size) * Lanes::size;
  for (std::size_t i = 0; i < part; i += Lanes::size) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kParts; ++j) {
      float* const at = x.data() + j * part + i;
      (factors * Lanes::load_unaligned(at)).store_unaligned(at);
    }
  }
  for (std::size_t i = kParts * part; i < x.size(); ++i) x[i] *= factor;
  return read_and_written(x);
}

}  // namespace plumbline
