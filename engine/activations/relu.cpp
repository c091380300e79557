// SPDX-License-Identifier: Apache-2.0
#include "engine/activations/activation.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = max(0, z), phi'(z) = 1 where z > 0, else 0; phi'(0) = 0.
// By a selection and not by max(): the SIMD maximum of NaN and 0 may be 0, which would hide divergence.
class Relu {
 public:
  explicit Relu(Settings& /*settings*/) {}

  template <typename V>
  V value(V z) const {
    return where(z <= V(0), V(0), z);
  }
  template <typename V>
  V slope(V z, V /*a*/) const {
    return where(z > V(0), V(1), V(0));
  }
  template <typename V>
  V curvature(V /*z*/, V /*a*/) const {
    return V(0);
  }
  std::vector<double> kinks() const { return {0}; }
};

}  // namespace

ActivationEntry relu() {
  return elementwise_activation<Relu>({
      .summary = "The rectifier: zero for negative z, the identity for positive z.",
      .formula = "phi(z) = max(0, z); phi'(z) = 1 for z > 0, else 0 (0 at z = 0)",
      .paper = "Glorot, Bordes & Bengio, Deep sparse rectifier neural networks, AISTATS 2011",
  });
}

}  // namespace plumbline::activations
