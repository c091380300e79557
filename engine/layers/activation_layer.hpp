// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "engine/layers/layer.hpp"

namespace plumbline {

/// An activation by itself, for where something stands between a layer's sums and it.
std::shared_ptr<const LayerKind> activation_kind(std::shared_ptr<const Activation> activation);

/// What is wrong with the activation for a layer whose units have one sum and one output each and that
/// keeps no parameters for it, as the rest of a sentence about the layer; empty where it fits.
std::string problem_as_part(const Activation& activation);

}  // namespace plumbline
