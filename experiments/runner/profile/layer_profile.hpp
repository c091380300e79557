// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace plumbline {

/// e_1 / e_L of a quantity over the weight layers, layer 1 (input side) first: how much of it is
/// left at the input. NaN where either end is not finite, or the last one is 0.
double first_to_last(std::span<const double> profile);

/// The factor r by which a quantity changes from one layer to the next one towards the input. With
/// k = L - l and a geometric profile e_l = e_L r^k, least squares give
///
///   ln r = sum_k (k - mean k) (ln e_k - mean ln e) / sum_k (k - mean k)^2
///
/// over the layers l = 5 .. L - 2 where L >= 12: nearer to the input the activations have not yet
/// settled, and the output layer has another shape. Shallower nets use all hidden layers 1 .. L - 1.
/// Layers that hold 0, infinity or NaN are left out; NaN where fewer than two remain.
double factor_per_layer(std::span<const double> profile);

}  // namespace plumbline
