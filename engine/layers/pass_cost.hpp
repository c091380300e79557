// SPDX-License-Identifier: Apache-2.0
// Floating-point operations of a net's passes over one example. A product of a row with W has 2 for each
// weight.
#pragma once

#include "engine/layers/layer.hpp"
#include "engine/layers/stack.hpp"

namespace plumbline {

/// Multiply-adds of one example that bring the slopes of a layer's steps to the steps before, as recurrent
/// layers have them. They are due whatever stands below the layer, unlike those that bring slopes to its
/// inputs.
double state_products(const LayerKind& kind, const Shape& input);

double forward_cost(const StackKind& layers, const Shape& input);

/// Forward and back: three products (forward, weight gradient, input gradient), but layer 1 needs no input
/// gradient, only that of its own state.
double gradient_cost(const StackKind& layers, const Shape& input);

}  // namespace plumbline
