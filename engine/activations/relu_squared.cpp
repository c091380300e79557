// SPDX-License-Identifier: Apache-2.0
#include "engine/activations/activation.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = max(0, z)^2, phi'(z) = 2 max(0, z), phi''(z) = 2 where z > 0, else 0.
// The slope has no jump, the curvature has one. By a selection, which keeps NaN, as in `relu`.
class ReluSquared {
 public:
  explicit ReluSquared(Settings& /*settings*/) {}

  template <typename V>
  V value(V z) const {
    return rectified(z) * rectified(z);
  }
  template <typename V>
  V slope(V z, V /*a*/) const {
    return V(2) * rectified(z);
  }
  template <typename V>
  V curvature(V z, V /*a*/) const {
    return where(z > V(0), V(2), V(0));
  }
  std::vector<double> kinks() const { return {0}; }

 private:
  template <typename V>
  static V rectified(V z) {
    return where(z <= V(0), V(0), z);
  }
};

}  // namespace

ActivationEntry relu_squared() {
  return elementwise_activation<ReluSquared>({
      .summary = "The square of the rectifier.",
      .formula = "phi(z) = max(0, z)^2; phi'(z) = 2 max(0, z)",
      .paper = "So, Manke, Liu, Dai, Shazeer & Le, Primer: searching for efficient transformers "
               "for language modeling, NeurIPS 2021, arXiv:2109.08668",
  });
}

}  // namespace plumbline::activations
