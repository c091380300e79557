// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/activations/activation.hpp"
#include "engine/kernels/vector_functions.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = A tanh(S z) with A = 1.7159 and S = 2/3, so that phi(+-1) = +-1 to 5 digits and |phi''| is
// largest near +-1. phi' = A S (1 - t)(1 + t), t = phi / A; phi'' = -2 S t phi'.
// Without the small linear term that the paper suggests to add against flat spots.
class LecunTanh {
 public:
  explicit LecunTanh(Settings& /*settings*/) {}

  template <typename V>
  V value(V z) const {
    return constant<V>(kA) * hyperbolic_tangent(constant<V>(kS) * z);
  }
  template <typename V>
  V slope(V /*z*/, V a) const {
    const V t = a / constant<V>(kA);
    return constant<V>(kA * kS) * (constant<V>(1) - t) * (constant<V>(1) + t);
  }
  template <typename V>
  V curvature(V z, V a) const {
    return constant<V>(-2 * kS / kA) * a * slope(z, a);
  }

 private:
  static constexpr double kA = 1.7159;
  static constexpr double kS = 2.0 / 3;
};

}  // namespace

ActivationEntry lecun_tanh() {
  return elementwise_activation<LecunTanh>({
      .summary = "The hyperbolic tangent scaled so that -1 and 1 are (nearly) fixed points.",
      .formula = "phi(z) = 1.7159 tanh(2 z / 3); phi'(z) = 1.7159 (2/3) (1 - tanh(2 z / 3)^2)",
      .paper =
          "LeCun, Bottou, Orr & Mueller, Efficient BackProp, in Neural Networks: Tricks of the "
          "Trade, 1998, doi:10.1007/3-540-49430-8_2",
  });
}

}  // namespace plumbline::activations
