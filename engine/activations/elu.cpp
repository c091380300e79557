// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/activations/activation.hpp"
#include "engine/kernels/vector_functions.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = z where z > 0, alpha (e^z - 1) elsewhere; phi'(z) = 1 or alpha e^z; phi''(z) = 0 or
// alpha e^z. The curvature jumps at 0, and the slope too unless alpha is 1 (`celu` is smooth for any
// alpha). e^z - 1 by expm1, and the slope not as phi + alpha, so that both keep their digits.
class Elu {
 public:
  explicit Elu(Settings& settings)
      : alpha_(settings.number("alpha", 1, kPositive, "minus the limit for very negative z")) {}

  template <typename V>
  V value(V z) const {
    using std::expm1;
    return where(z > V(0), z, constant<V>(alpha_) * expm1(z));
  }
  template <typename V>
  V slope(V z, V /*a*/) const {
    return where(z > V(0), V(1), constant<V>(alpha_) * exponential(z));
  }
  template <typename V>
  V curvature(V z, V /*a*/) const {
    return where(z > V(0), V(0), constant<V>(alpha_) * exponential(z));
  }
  std::vector<double> kinks() const { return {0}; }

 private:
  double alpha_;
};

}  // namespace

ActivationEntry elu() {
  return elementwise_activation<Elu>({
      .summary = "The exponential linear unit: the identity for positive z, and a bounded "
                 "exponential for negative z.",
      .formula = "phi(z) = z for z > 0, alpha (exp(z) - 1) for z <= 0; phi'(z) = 1 or "
                 "alpha exp(z)",
      .paper = "Clevert, Unterthiner & Hochreiter, Fast and accurate deep network learning by "
               "exponential linear units (ELUs), ICLR 2016, arXiv:1511.07289",
  });
}

}  // namespace plumbline::activations
