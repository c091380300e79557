// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/activations/activation.hpp"
#include "engine/kernels/vector_functions.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = lambda z where z > 0, lambda alpha (e^z - 1) elsewhere; phi'(z) = lambda or
// lambda alpha e^z, which jumps at 0.
// lambda and alpha are the solution of E[phi] = 0, E[phi^2] = 1 for standard normal z, here to
// all digits of a double:
//   alpha = -sqrt(2/pi) / (sqrt(e) erfc(1/sqrt 2) - 1).
class Selu {
 public:
  explicit Selu(Settings& /*settings*/) {}

  template <typename V>
  V value(V z) const {
    using std::expm1;
    return where(z > V(0), constant<V>(kLambda) * z, constant<V>(kLambda * kAlpha) * expm1(z));
  }
  template <typename V>
  V slope(V z, V /*a*/) const {
    return where(z > V(0), constant<V>(kLambda), constant<V>(kLambda * kAlpha) * exponential(z));
  }
  template <typename V>
  V curvature(V z, V /*a*/) const {
    return where(z > V(0), V(0), constant<V>(kLambda * kAlpha) * exponential(z));
  }
  std::vector<double> kinks() const { return {0}; }

 private:
  static constexpr double kLambda = 1.0507009873554804934193349852946;
  static constexpr double kAlpha = 1.6732632423543772848170429916717;
};

}  // namespace

ActivationEntry selu() {
  return elementwise_activation<Selu>({
      .summary =
          "The scaled exponential linear unit: with weights of variance 1/fan_in, activations "
          "of mean 0 and variance 1 are a stable fixed point.",
      .formula = "phi(z) = lambda z for z > 0, lambda alpha (exp(z) - 1) for z <= 0; lambda = "
                 "1.0507..., alpha = 1.6733...",
      .paper = "Klambauer, Unterthiner, Mayr & Hochreiter, Self-normalizing neural networks, "
               "NIPS 2017, arXiv:1706.02515",
  });
}

}  // namespace plumbline::activations
