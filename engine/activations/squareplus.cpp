// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "engine/activations/activation.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = (z + r) / 2, r = sqrt(z^2 + b); phi' = (1 + z / r) / 2 = phi / r, phi'' = b / (2 r^3).
// For z < 0 the sum cancels, so phi = (b/4) / ((|z| + r) / 2) there, and phi' = phi / r.
// r is m sqrt(1 + (k / m)^2), with m and k the larger and the smaller one of |z| and sqrt b: squares
// would overflow. b = 4 gives phi(0) = 1 and phi''(0) = 1/4, the curvature of softplus.
class Squareplus {
 public:
  explicit Squareplus(Settings& settings)
      : root_(std::sqrt(settings.number("b", 4, kPositive, "how wide the bend is"))) {}

  template <typename V>
  V value(V z) const {
    using std::abs;
    const V half = constant<V>(0.5) * (abs(z) + radius(z).r);
    return where(z < V(0), constant<V>(0.25 * root_) * (constant<V>(root_) / half), half);
  }
  template <typename V>
  V slope(V z, V a) const {
    const Radius<V> radius = this->radius(z);
    return where(z < V(0), a / radius.r, constant<V>(0.5) * (constant<V>(1) + radius.share));
  }
  template <typename V>
  V curvature(V z, V /*a*/) const {
    const V inverse = constant<V>(root_) / radius(z).r;
    return constant<V>(0.5 / root_) * inverse * inverse * inverse;
  }
  double scale() const { return std::min(1.0, root_ / 2); }

 private:
  template <typename V>
  struct Radius {
    V r;
    V share;  // |z| / r, also where both are infinite
  };

  template <typename V>
  Radius<V> radius(V z) const {
    using std::abs;
    using std::sqrt;
    const V root = constant<V>(root_);
    const auto far = abs(z) > root;
    const V larger = where(far, abs(z), root);
    const V ratio = where(far, root, abs(z)) / larger;
    const V stretch = sqrt(constant<V>(1) + ratio * ratio);
    return {larger * stretch, where(far, constant<V>(1), ratio) / stretch};
  }

  double root_;
};

}  // namespace

ActivationEntry squareplus() {
  return elementwise_activation<Squareplus>({
      .summary = "A smooth rectifier without exponentials.",
      .formula = "phi(z) = (z + sqrt(z^2 + b)) / 2; phi'(z) = (1 + z / sqrt(z^2 + b)) / 2",
      .paper = "Barron, Squareplus: a softplus-like algebraic rectifier, 2021, arXiv:2112.11687",
  });
}

}  // namespace plumbline::activations
