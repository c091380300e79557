// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "engine/core/settings.hpp"
#include "engine/datasets/dataset.hpp"

namespace plumbline {

/// The settings of a source that deals its examples out to training and validation.
struct Split {
  SplitSizes sizes;
  std::int64_t seed = 0;

  /// Reads `train`, `valid` and `split_seed`, with the given defaults.
  static Split read(Settings& settings, std::size_t train, std::size_t valid);

  /// Deals `examples` out in a random order from the split seed's data stream. Throws
  /// EnvironmentError, with `name`, where there are fewer than the settings ask for.
  void deal(const Examples& examples, const std::string& name, Dataset& dataset) const;
};

/// The examples of these indices, in their order.
Examples select(const Examples& examples, std::span<const std::uint32_t> indices);

}  // namespace plumbline
