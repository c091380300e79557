// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "engine/layers/layer.hpp"

namespace plumbline {

/// How the pixels of a window become one.
enum class Pooling {
  largest,  ///< the first of the largest ones; NaN where there is one
  mean
};

/// For each channel by itself; `size` 0 is one window over the whole image.
std::shared_ptr<const LayerKind> pool_kind(Pooling pooling, std::size_t size, std::size_t stride);

/// Reads `size` and `stride`, which is `size` by default.
std::shared_ptr<const LayerKind> read_pool(Settings& settings, Pooling pooling);

}  // namespace plumbline
