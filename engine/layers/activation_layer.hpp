// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "engine/layers/layer.hpp"

namespace plumbline {

/// An activation by itself, for where something stands between a layer's sums and it.
std::shared_ptr<const LayerKind> activation_kind(std::shared_ptr<const Activation> activation);

}  // namespace plumbline
