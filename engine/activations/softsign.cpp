// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/activations/activation.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = z / (1 + |z|), phi' = (1 + |z|)^-2, phi'' = -2 sign(z) (1 + |z|)^-3, which jumps at 0.
// From |z| = 10^30 on, 1 + |z| is |z| and phi is +-1: the bound keeps infinity over infinity away.
class Softsign {
 public:
  explicit Softsign(Settings& /*settings*/) {}

  template <typename V>
  V value(V z) const {
    const V bounded = clamped(z, 1e30);
    return bounded * reciprocal(bounded);
  }
  template <typename V>
  V slope(V z, V /*a*/) const {
    return reciprocal(z) * reciprocal(z);
  }
  template <typename V>
  V curvature(V z, V a) const {
    return where(z < V(0), V(2), V(-2)) * slope(z, a) * reciprocal(z);
  }
  std::vector<double> kinks() const { return {0}; }

 private:
  template <typename V>
  static V reciprocal(V z) {
    using std::abs;
    return constant<V>(1) / (constant<V>(1) + abs(z));
  }
};

}  // namespace

ActivationEntry softsign() {
  return elementwise_activation<Softsign>({
      .summary = "A rational sigmoid from -1 to 1 that reaches its asymptotes slowly, as 1/z.",
      .formula = "phi(z) = z / (1 + |z|); phi'(z) = 1 / (1 + |z|)^2",
      .paper = "Glorot & Bengio, Understanding the difficulty of training deep feedforward neural "
               "networks, AISTATS 2010",
  });
}

}  // namespace plumbline::activations
