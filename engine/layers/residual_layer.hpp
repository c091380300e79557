// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "engine/layers/layer.hpp"

namespace plumbline {

/// How much of a residual block's branch counts.
struct BranchScale {
  double factor = 1;     ///< fixed, or where a learned one starts
  bool learned = false;  ///< one number a block
};

/// y = x + scale F(x), with F a stack of layers whose outputs have the shape of its inputs.
std::shared_ptr<const LayerKind> residual_kind(std::vector<std::shared_ptr<const LayerKind>> branch,
                                               const BranchScale& scale);

}  // namespace plumbline
