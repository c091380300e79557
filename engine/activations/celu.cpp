// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "engine/activations/activation.hpp"
#include "engine/kernels/vector_functions.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = z where z > 0, alpha (e^(z / alpha) - 1) elsewhere; phi'(z) = 1 or e^(z / alpha);
// phi''(z) = 0 or e^(z / alpha) / alpha. The slope is continuous for every alpha, unlike that of `elu`;
// the curvature jumps at 0.
class Celu {
 public:
  explicit Celu(Settings& settings)
      : alpha_(settings.number("alpha", 1, kPositive, "minus the limit for very negative z")) {}

  template <typename V>
  V value(V z) const {
    using std::expm1;
    return where(z > V(0), z, constant<V>(alpha_) * expm1(z / constant<V>(alpha_)));
  }
  template <typename V>
  V slope(V z, V /*a*/) const {
    return where(z > V(0), V(1), exponential(z / constant<V>(alpha_)));
  }
  template <typename V>
  V curvature(V z, V /*a*/) const {
    const V alpha = constant<V>(alpha_);
    return where(z > V(0), V(0), exponential(z / alpha) / alpha);
  }
  std::vector<double> kinks() const { return {0}; }
  double scale() const { return std::min(1.0, alpha_); }

 private:
  double alpha_;
};

}  // namespace

ActivationEntry celu() {
  return elementwise_activation<Celu>({
      .summary = "The exponential linear unit whose slope is continuous for every alpha.",
      .formula = "phi(z) = max(0, z) + min(0, alpha (exp(z / alpha) - 1)); phi'(z) = 1 for z > 0, "
                 "else exp(z / alpha)",
      .paper = "Barron, Continuously differentiable exponential linear units, 2017, "
               "arXiv:1704.07483",
  });
}

}  // namespace plumbline::activations
