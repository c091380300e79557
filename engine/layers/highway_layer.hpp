// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "engine/layers/layer.hpp"

namespace plumbline {

/// Srivastava, Greff & Schmidhuber's highway layer, as wide as its input; `gate_bias` is where the
/// biases of the transform gate start.
std::shared_ptr<const LayerKind> highway_kind(std::shared_ptr<const Activation> activation,
                                              double gate_bias);

}  // namespace plumbline
