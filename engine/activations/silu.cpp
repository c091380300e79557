// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/activations/activation.hpp"
#include "engine/activations/logistic.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = z s(b z), s the logistic function; with x = b z,
// phi' = s(x) + x s'(x), phi'' = b s'(x) (2 + x (1 - 2 s(x))).
// b = 1 is the sigmoid-weighted linear unit; with another b, or one that is learned (which it is not
// here), it is known as Swish. Beyond |x| = 1000, s'(x) is 0, and so is s(x) on the left.
class Silu {
 public:
  explicit Silu(Settings& settings)
      : beta_(settings.number("beta", 1, kPositive, "b, the sharpness of the gate")) {}

  template <typename V>
  V value(V z) const {
    const V x = constant<V>(beta_) * z;
    return where(x < constant<V>(-kFar), constant<V>(0), z * logistic(x));
  }
  template <typename V>
  V slope(V z, V /*a*/) const {
    const V x = clamped(constant<V>(beta_) * z, kFar);
    return logistic(x) + x * logistic_slope(x);
  }
  template <typename V>
  V curvature(V z, V /*a*/) const {
    const V x = clamped(constant<V>(beta_) * z, kFar);
    const V bend = constant<V>(2) + x * (constant<V>(1) - constant<V>(2) * logistic(x));
    return constant<V>(beta_) * logistic_slope(x) * bend;
  }
  double scale() const { return std::min(1.0, 1 / beta_); }

 private:
  static constexpr double kFar = 1000;

  double beta_;
};

}  // namespace

ActivationEntry silu() {
  return elementwise_activation<Silu>({
      .summary = "The identity gated by the logistic function; also known as Swish.",
      .formula = "phi(z) = z s(b z), s(x) = 1 / (1 + exp(-x)); phi'(z) = s(b z) + b z s(b z) "
                 "(1 - s(b z))",
      .paper = "Elfwing, Uchibe & Doya, Sigmoid-weighted linear units for neural network function "
               "approximation in reinforcement learning, Neural Networks 107, 2018, "
               "arXiv:1702.03118; Ramachandran, Zoph & Le, Searching for activation functions, "
               "2017, arXiv:1710.05941 (beta)",
  });
}

}  // namespace plumbline::activations
