// SPDX-License-Identifier: Apache-2.0
#include "engine/activations/activation.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = z where z > 0, s z elsewhere; phi'(z) = 1 where z > 0, else s, also at z = 0.
// The paper has s = 0.01. Where s is learned, it is `prelu`.
class LeakyRelu {
 public:
  explicit LeakyRelu(Settings& settings)
      : slope_(settings.number("slope", 0.01, kPositive, "s, the slope for negative z")) {}

  template <typename V>
  V value(V z) const {
    return where(z > V(0), z, constant<V>(slope_) * z);
  }
  template <typename V>
  V slope(V z, V /*a*/) const {
    return where(z > V(0), V(1), constant<V>(slope_));
  }
  template <typename V>
  V curvature(V /*z*/, V /*a*/) const {
    return V(0);
  }
  std::vector<double> kinks() const { return {0}; }

 private:
  double slope_;
};

}  // namespace

ActivationEntry leaky_relu() {
  return elementwise_activation<LeakyRelu>({
      .summary = "The rectifier with a small slope for negative z, so that no unit is dead.",
      .formula = "phi(z) = z for z > 0, s z for z <= 0; phi'(z) = 1 or s",
      .paper = "Maas, Hannun & Ng, Rectifier nonlinearities improve neural network acoustic "
               "models, ICML workshop on deep learning for audio, speech and language processing, "
               "2013",
  });
}

}  // namespace plumbline::activations
