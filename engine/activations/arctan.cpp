// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/activations/activation.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = arctan z, phi' = 1 / (1 + z^2), phi'' = -2 z / (1 + z^2)^2, where z / (1 + z^2) is written
// 1 / (z + 1/z), which is 0 at z = 0 and at infinity.
// The slope falls as z^-2 only, not exponentially.
class Arctan {
 public:
  explicit Arctan(Settings& /*settings*/) {}

  template <typename V>
  V value(V z) const {
    using std::atan;
    return atan(z);
  }
  template <typename V>
  V slope(V z, V /*a*/) const {
    return constant<V>(1) / (constant<V>(1) + z * z);
  }
  template <typename V>
  V curvature(V z, V a) const {
    return constant<V>(-2) / (z + constant<V>(1) / z) * slope(z, a);
  }
};

}  // namespace

ActivationEntry arctan() {
  return elementwise_activation<Arctan>({
      .summary = "The inverse tangent, odd, from -pi/2 to pi/2, with slope 1 at the origin.",
      .formula = "phi(z) = arctan(z); phi'(z) = 1 / (1 + z^2)",
      .paper =
          "Kunc & Klema, Three decades of activations: a comprehensive survey of 400 activation "
          "functions for neural networks, 2024, arXiv:2402.09092",
  });
}

}  // namespace plumbline::activations
