// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/activations/activation.hpp"
#include "engine/kernels/vector_functions.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = e^(-z^2), phi' = -2 z phi, phi'' = (4 z^2 - 2) phi. The radial function of a radial-basis
// net, of a projection W x + b here and not of a distance. Beyond |z| = 40, phi is 0, so z may be
// bounded there before it is multiplied.
class Gaussian {
 public:
  explicit Gaussian(Settings& /*settings*/) {}

  template <typename V>
  V value(V z) const {
    return exponential(-z * z);
  }
  template <typename V>
  V slope(V z, V a) const {
    return constant<V>(-2) * clamped(z, kFar) * a;
  }
  template <typename V>
  V curvature(V z, V a) const {
    const V near = clamped(z, kFar);
    return (constant<V>(4) * near * near - constant<V>(2)) * a;
  }

 private:
  static constexpr double kFar = 40;
};

}  // namespace

ActivationEntry gaussian() {
  return elementwise_activation<Gaussian>({
      .summary = "A bump, even, from 1 at the origin to 0.",
      .formula = "phi(z) = exp(-z^2); phi'(z) = -2 z exp(-z^2)",
      .paper = "Broomhead & Lowe, Multivariable functional interpolation and adaptive networks, "
               "Complex Systems 2, 1988",
  });
}

}  // namespace plumbline::activations
