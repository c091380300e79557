// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "engine/network/network.hpp"

namespace plumbline {

/// What layer l hands on: the inputs of the next weight layer, behind whatever normalization, activation and
/// addition stand between; of the last layer its outputs, and of a step of an unrolled one its state.
template <typename T>
MatrixView<const T> activations_of(const Network<T>& network, std::size_t l) {
  const WeightLayer<T>& layer = network.layer(l);
  if (layer.is_shared() || l + 1 == network.depth()) return layer.output();
  const WeightLayer<T>& next = network.layer(l + 1);
  return next.is_shared() ? layer.output() : next.input();
}

}  // namespace plumbline
