// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/layers/layer.hpp"

namespace plumbline {

/// Multiply-adds of one example that bring the slopes of a layer's steps to the steps before, as recurrent
/// layers have them. They are due whatever stands below the layer, unlike those that bring slopes to its
/// inputs.
double state_products(const LayerKind& kind, const Shape& input);

}  // namespace plumbline
