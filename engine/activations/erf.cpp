// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "engine/activations/activation.hpp"
#include "engine/kernels/vector_functions.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = erf z = 2/sqrt(pi) int_0^z e^(-t^2) dt, phi' = 2/sqrt(pi) e^(-z^2), phi'' = -2 z phi'.
// Not erf(z / sqrt 2), which others take so that the slope is a standard normal density. Mean-field
// integrals over it have closed forms. Beyond |z| = 40 the slope is 0. The SIMD erf of xsimd 8 is within
// 33 ulps in float64 and within one in float32.
class Erf {
 public:
  explicit Erf(Settings& /*settings*/) {}

  template <typename V>
  V value(V z) const {
    using std::erf;
    return erf(z);
  }
  template <typename V>
  V slope(V z, V /*a*/) const {
    return constant<V>(2 * std::numbers::inv_sqrtpi) * exponential(-z * z);
  }
  template <typename V>
  V curvature(V z, V a) const {
    return constant<V>(-2) * clamped(z, 40) * slope(z, a);
  }
};

}  // namespace

ActivationEntry erf() {
  return elementwise_activation<Erf>({
      .summary = "The error function, odd, from -1 to 1, with slope 2/sqrt(pi) at the origin.",
      .formula = "phi(z) = erf(z); phi'(z) = 2 exp(-z^2) / sqrt(pi)",
      .paper = "Williams, Computing with infinite networks, NIPS 1996",
  });
}

}  // namespace plumbline::activations
