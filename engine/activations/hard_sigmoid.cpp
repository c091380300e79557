// SPDX-License-Identifier: Apache-2.0
#include "engine/activations/activation.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = clip(s z + 1/2, 0, 1), phi'(z) = s between the kinks at z = -+1 / (2 s), else 0.
// The default s = 1/2 is sigma(z) = clip((z + 1) / 2, 0, 1) of the paper. Elsewhere the
// name stands for s = 1/6 (relu6(z + 3) / 6 of MobileNetV3) or s = 1/5 (Theano); s = 1/4 is the tangent
// of the logistic function.
class HardSigmoid {
 public:
  explicit HardSigmoid(Settings& settings)
      : slope_(settings.number("slope", 0.5, kPositive, "s, the slope between the kinks")) {}

  template <typename V>
  V value(V z) const {
    const V line = this->line(z);
    return where(line < V(0), V(0), where(line > V(1), V(1), line));
  }
  template <typename V>
  V slope(V z, V /*a*/) const {
    const V line = this->line(z);
    return where(line > V(0), where(line < V(1), constant<V>(slope_), V(0)), V(0));
  }
  template <typename V>
  V curvature(V /*z*/, V /*a*/) const {
    return V(0);
  }
  std::vector<double> kinks() const { return {-0.5 / slope_, 0.5 / slope_}; }

 private:
  template <typename V>
  V line(V z) const {
    return constant<V>(slope_) * z + constant<V>(0.5);
  }

  double slope_;
};

}  // namespace

ActivationEntry hard_sigmoid() {
  return elementwise_activation<HardSigmoid>({
      .summary = "The logistic function as three straight pieces, from 0 to 1.",
      .formula = "phi(z) = max(0, min(1, s z + 1/2)); phi'(z) = s for |z| < 1 / (2 s), else 0",
      .paper = "Courbariaux, Bengio & David, BinaryConnect: training deep neural networks with "
               "binary weights during propagations, NIPS 2015, arXiv:1511.00363",
  });
}

}  // namespace plumbline::activations
