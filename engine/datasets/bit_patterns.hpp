// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/core/settings.hpp"
#include "engine/datasets/split.hpp"

namespace plumbline {

/// The settings of a source whose inputs are patterns of bits, each bit 0 or 1.
struct BitPatterns {
  std::size_t bits = 0;
  bool sampled = false;  ///< independent uniform patterns, or else each of the 2^bits once
  Split split;

  /// Reads `bits`, `patterns` and those of a split.
  static BitPatterns read(Settings& settings, std::int64_t bits);

  /// The patterns in rows, before they are dealt out. All of them count upwards, the first bit being the
  /// highest; sampled ones are drawn from part 1 of the split seed's data stream.
  Matrix<float> rows() const;
};

}  // namespace plumbline
