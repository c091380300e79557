// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/activations/activation.hpp"
#include "engine/activations/logistic.hpp"
#include "engine/kernels/vector_functions.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = z g(z), g(z) = tanh(ln(1 + e^z)); phi' = g + z g', phi'' = 2 g' + z g''.
// tanh(ln(y)) = (y^2 - 1) / (y^2 + 1) makes of it, with n = e^-|z|, which does not overflow,
//   g = p / d,  p = n (n + 2) and d = p + 2 where z < 0,  p = 1 + 2 n and d = p + 2 n^2 elsewhere,
//   g' = 4 (1 + n) m / d^2,  m = n where z < 0, n^2 elsewhere,
//   g'' = g' (1 - s - 2 g s),  s = 1 / (1 + e^-z),
// without a difference in g and g', so that the tails keep their digits. Beyond |z| = 1000, g' is 0,
// and so is g on the left.
class Mish {
 public:
  explicit Mish(Settings& /*settings*/) {}

  template <typename V>
  V value(V z) const {
    return where(z < constant<V>(-kFar), constant<V>(0), z * gate(z).value);
  }
  template <typename V>
  V slope(V z, V /*a*/) const {
    const V near = clamped(z, kFar);
    const Gate<V> g = gate(near);
    return g.value + near * g.slope;
  }
  template <typename V>
  V curvature(V z, V /*a*/) const {
    const V near = clamped(z, kFar);
    const Gate<V> g = gate(near);
    const V s = logistic(near);
    return g.slope * (constant<V>(2) + near * (constant<V>(1) - s - constant<V>(2) * g.value * s));
  }

 private:
  static constexpr double kFar = 1000;

  template <typename V>
  struct Gate {
    V value;
    V slope;
  };

  template <typename V>
  static Gate<V> gate(V z) {
    using std::abs;
    const V one = constant<V>(1);
    const V two = constant<V>(2);
    const V n = exponential(-abs(z));
    const V p = where(z < V(0), n * (n + two), one + two * n);
    const V d = p + where(z < V(0), two, two * n * n);
    const V m = where(z < V(0), n, n * n);
    return {p / d, constant<V>(4) * (one + n) * m / (d * d)};
  }
};

}  // namespace

ActivationEntry mish() {
  return elementwise_activation<Mish>({
      .summary = "The identity gated by the hyperbolic tangent of softplus; smooth, not monotonic.",
      .formula = "phi(z) = z tanh(ln(1 + exp(z)))",
      .paper = "Misra, Mish: a self regularized non-monotonic activation function, BMVC 2020, "
               "arXiv:1908.08681",
  });
}

}  // namespace plumbline::activations
