// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "engine/activations/activation.hpp"
#include "engine/activations/logistic.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = z/2 (1 + tanh u), u = sqrt(2/pi) (z + 0.044715 z^3): the paper's approximation of the exact
// form, which is `gelu`, with an error of 4.8e-4 at most.
// Written z s(v), s the logistic function and v = 2 u, which keeps relative accuracy in the left tail,
// where 1 + tanh loses all of it. Then phi' = s(v) + z s'(v) v' and
// phi'' = s'(v) (2 v' + z (v'^2 (1 - 2 s(v)) + v'')). Beyond |z| = 30, s'(v) is 0, and so is s(v) on
// the left.
class GeluTanh {
 public:
  explicit GeluTanh(Settings& /*settings*/) {}

  template <typename V>
  V value(V z) const {
    return where(z < constant<V>(-kFar), constant<V>(0), z * logistic(argument(z)));
  }
  template <typename V>
  V slope(V z, V /*a*/) const {
    const V near = clamped(z, kFar);
    const V v = argument(near);
    return logistic(v) + near * logistic_slope(v) * argument_slope(near);
  }
  template <typename V>
  V curvature(V z, V /*a*/) const {
    const V near = clamped(z, kFar);
    const V v = argument(near);
    const V v1 = argument_slope(near);
    const V v2 = constant<V>(6 * kCubic * kScale) * near;
    const V bend = v1 * v1 * (constant<V>(1) - constant<V>(2) * logistic(v)) + v2;
    return logistic_slope(v) * (constant<V>(2) * v1 + near * bend);
  }

 private:
  static constexpr double kFar = 30;
  static constexpr double kCubic = 0.044715;
  static constexpr double kScale = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;

  template <typename V>
  static V argument(V z) {  // v(z)
    return constant<V>(kScale) * z * (constant<V>(1) + constant<V>(kCubic) * z * z);
  }
  template <typename V>
  static V argument_slope(V z) {  // v'(z)
    return constant<V>(kScale) * (constant<V>(1) + constant<V>(3 * kCubic) * z * z);
  }
};

}  // namespace

ActivationEntry gelu_tanh() {
  return elementwise_activation<GeluTanh>({
      .summary = "The Gaussian error linear unit in its approximation by the hyperbolic tangent.",
      .formula = "phi(z) = (z/2) (1 + tanh(sqrt(2/pi) (z + 0.044715 z^3)))",
      .paper = "Hendrycks & Gimpel, Gaussian error linear units, 2016, arXiv:1606.08415",
  });
}

}  // namespace plumbline::activations
