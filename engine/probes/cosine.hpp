// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

#include "engine/kernels/reduce.hpp"
#include "engine/kernels/sum.hpp"

namespace plumbline {

/// u.v / (|u| |v|), right over the whole range of both types: NaN where either is 0 or not finite.
template <typename U, typename V>
double cosine(std::span<const U> u, std::span<const V> v) {
  const double u_norm = norm(u);
  const double v_norm = norm(v);
  if (u_norm == 0 || v_norm == 0 || !std::isfinite(u_norm) || !std::isfinite(v_norm)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  // Scaled by powers of two, which round nothing, so that no product is lost. The least subnormal has
  // exponent -1074, and 2^1074 is no double.
  const double u_scale = std::ldexp(1.0, std::clamp(-std::ilogb(u_norm), -1000, 1000));
  const double v_scale = std::ldexp(1.0, std::clamp(-std::ilogb(v_norm), -1000, 1000));
  const double product = sum_of(u.size(), [&](std::size_t i) {
    return (static_cast<double>(u[i]) * u_scale) * (static_cast<double>(v[i]) * v_scale);
  });
  return product / ((u_norm * u_scale) * (v_norm * v_scale));
}

}  // namespace plumbline
