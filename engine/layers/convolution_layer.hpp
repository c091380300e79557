// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "engine/layers/layer.hpp"

namespace plumbline {

/// A square window that moves over an image.
struct Window {
  std::size_t size = 3;
  std::size_t stride = 1;
  std::size_t padding = 0;  ///< zeros on each side

  /// Positions of the window along a side of this length; 0 where it does not fit.
  std::size_t positions(std::size_t length) const {
    const std::size_t padded = length + 2 * padding;
    return padded < size ? 0 : (padded - size) / stride + 1;
  }
  /// Why the window cannot move over this image, as the rest of a sentence; empty where it can.
  std::string problem(const Shape& image) const;
};

/// Reads `kernel`, `stride` and `padding`.
Window read_window(Settings& settings);

/// A convolution of images: so many kernels, each over all channels of the input.
std::shared_ptr<const LayerKind> convolution_kind(std::size_t channels, const Window& window,
                                                  std::shared_ptr<const Activation> activation);

}  // namespace plumbline
