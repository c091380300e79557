// SPDX-License-Identifier: Apache-2.0
#include "engine/activations/activation.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = z, phi'(z) = 1.
class Linear {
 public:
  explicit Linear(Settings& /*settings*/) {}

  template <typename V>
  V value(V z) const {
    return z;
  }
  template <typename V>
  V slope(V /*z*/, V /*a*/) const {
    return constant<V>(1);
  }
  template <typename V>
  V curvature(V /*z*/, V /*a*/) const {
    return constant<V>(0);
  }
};

}  // namespace

ActivationEntry linear() {
  return elementwise_activation<Linear>({
      .summary = "The identity; a stack of linear layers is a deep linear net.",
      .formula = "phi(z) = z",
      .paper = "Saxe, McClelland & Ganguli, Exact solutions to the nonlinear dynamics of learning "
               "in deep linear neural networks, ICLR 2014, arXiv:1312.6120",
  });
}

}  // namespace plumbline::activations
