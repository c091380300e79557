// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/layers/layer.hpp"

namespace plumbline {

/// A layer kind whose training passes draw random numbers for a batch as a whole, so that an example by
/// itself would get others than among its batch; or one that holds layers, of which some may.
class NoisyKind {
 public:
  virtual ~NoisyKind() = default;

  virtual bool draws_noise() const = 0;
};

inline bool draws_noise(const LayerKind& kind) {
  const auto* noisy = dynamic_cast<const NoisyKind*>(&kind);
  return noisy != nullptr && noisy->draws_noise();
}

}  // namespace plumbline
