// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "engine/activations/activation.hpp"

namespace plumbline {

/// A deep wide net of batch norm and then an activation in each layer, without gain and bias, at the fixed
/// point of its batches.
struct BatchNormTheory {
  double gradient_growth = 0;  ///< of the squared gradient norm a layer, towards the input
  double correlation = 0;      ///< c* of two examples of a batch, behind the activation
};

/// For batches of B examples, B >= 4 or infinite, and fresh upstream gradients for each example:
///   relu    ((B-1) J'(r) + (B-1)^2) / ((B-3) (B-1) (1 - J(r))) - 1 / (B-3),   r = -1 / (B-1),   c* = J(r),
///           pi / (pi - 1) at B = inf, with J and J' of correlation_map.hpp;
///   linear  (B-2) / (B-3),   c* = r.
/// The weights' variance does not matter, as batch norm divides it out. None for other activations.
/// Yang, Pennington, Rao, Sohl-Dickstein & Schoenholz, ICLR 2019, arXiv:1902.08129, theorem 8; its rate is
/// of the squared norm, 1.21 a layer that of the norm.
std::optional<BatchNormTheory> batch_norm_theory(const Activation& activation, double batch);

}  // namespace plumbline
