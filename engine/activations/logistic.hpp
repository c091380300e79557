// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "engine/kernels/elementwise.hpp"
#include "engine/kernels/vector_functions.hpp"

namespace plumbline::activations {

/// s(x) = 1 / (1 + e^-x), with relative accuracy in the left tail.
template <typename V>
V logistic(V x) {
  return constant<V>(1) / (constant<V>(1) + exponential(-x));
}

/// s'(x) = s(x) s(-x) = e / (1 + e)^2, e = e^-|x|, with relative accuracy in both tails.
template <typename V>
V logistic_slope(V x) {
  using std::abs;
  const V e = exponential(-abs(x));
  return e / ((constant<V>(1) + e) * (constant<V>(1) + e));
}

}  // namespace plumbline::activations
