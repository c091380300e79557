// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/activations/activation.hpp"
#include "engine/kernels/vector_functions.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = 1 / (1 + e^-z), phi' = phi (1 - phi), at most 1/4.
// By e^-z and not by tanh(z/2): for large negative z the latter loses all relative accuracy, and
// phi(z) ~ e^z is what back-propagation multiplies by. The SIMD exponential has no subnormal results,
// so phi is 0 below z = -88.4 in float32 and -708 in float64. For large positive z the slope, through
// 1 - phi, is known to an absolute accuracy of one rounding, and is 0 from z = 17 (37) on.
class Sigmoid {
 public:
  explicit Sigmoid(Settings& /*settings*/) {}

  template <typename V>
  V value(V z) const {
    return constant<V>(1) / (constant<V>(1) + exponential(-z));
  }
  template <typename V>
  V slope(V /*z*/, V a) const {
    return a * (constant<V>(1) - a);
  }
  template <typename V>
  V curvature(V z, V a) const {
    return slope(z, a) * (constant<V>(1) - constant<V>(2) * a);
  }
};

}  // namespace

ActivationEntry sigmoid() {
  return elementwise_activation<Sigmoid>({
      .summary = "The logistic function, from 0 to 1; its slope is at most 1/4.",
      .formula = "phi(z) = 1 / (1 + exp(-z)); phi'(z) = phi(z) (1 - phi(z))",
      .paper = "Rumelhart, Hinton & Williams, Learning representations by back-propagating errors, "
               "Nature 323, 1986, doi:10.1038/323533a0",
  });
}

}  // namespace plumbline::activations
