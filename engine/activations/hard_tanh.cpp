// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/activations/activation.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = -1 where z < -1, z where |z| <= 1, 1 where z > 1; phi'(z) = 1 where |z| < 1, else 0.
class HardTanh {
 public:
  explicit HardTanh(Settings& /*settings*/) {}

  template <typename V>
  V value(V z) const {
    return clamped(z, 1);
  }
  template <typename V>
  V slope(V z, V /*a*/) const {
    using std::abs;
    return where(abs(z) < V(1), V(1), V(0));
  }
  template <typename V>
  V curvature(V /*z*/, V /*a*/) const {
    return V(0);
  }
  std::vector<double> kinks() const { return {-1, 1}; }
};

}  // namespace

ActivationEntry hard_tanh() {
  return elementwise_activation<HardTanh>({
      .summary = "The identity between -1 and 1, constant outside.",
      .formula = "phi(z) = max(-1, min(1, z)); phi'(z) = 1 for |z| < 1, else 0",
      .paper = "Collobert, Weston, Bottou, Karlen, Kavukcuoglu & Kuksa, Natural language "
               "processing (almost) from scratch, JMLR 12, 2011, arXiv:1103.0398",
  });
}

}  // namespace plumbline::activations
