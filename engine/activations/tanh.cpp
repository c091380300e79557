// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/activations/activation.hpp"
#include "engine/kernels/vector_functions.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = tanh z, phi' = 1 - phi^2, written (1 - phi)(1 + phi): near |phi| = 1 the difference is
// then exact before it is rounded once.
class Tanh {
 public:
  explicit Tanh(Settings& /*settings*/) {}

  template <typename V>
  V value(V z) const {
    return hyperbolic_tangent(z);
  }
  template <typename V>
  V slope(V /*z*/, V a) const {
    return (constant<V>(1) - a) * (constant<V>(1) + a);
  }
  template <typename V>
  V curvature(V z, V a) const {
    return constant<V>(-2) * a * slope(z, a);
  }
};

}  // namespace

ActivationEntry tanh() {
  return elementwise_activation<Tanh>({
      .summary = "The hyperbolic tangent, odd, from -1 to 1, with slope 1 at the origin.",
      .formula = "phi(z) = tanh(z); phi'(z) = 1 - phi(z)^2",
      .paper =
          "LeCun, Bottou, Orr & Mueller, Efficient BackProp, in Neural Networks: Tricks of the "
          "Trade, 1998, doi:10.1007/3-540-49430-8_2",
  });
}

}  // namespace plumbline::activations
