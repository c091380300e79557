// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "engine/activations/activation.hpp"
#include "engine/activations/logistic.hpp"
#include "engine/kernels/vector_functions.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = ln(1 + e^(b z)) / b, phi'(z) = s(b z), phi''(z) = b s'(b z), s the logistic function.
// The paper has b = 1; for large b it is ReLU. Written max(0, z) + ln(1 + e^-|b z|) / b, which does not
// overflow and keeps its digits in the left tail.
class Softplus {
 public:
  explicit Softplus(Settings& settings)
      : beta_(settings.number("beta", 1, kPositive, "b, the sharpness of the bend")) {}

  template <typename V>
  V value(V z) const {
    using std::abs;
    using std::log1p;
    const V bend = log1p(exponential(-abs(constant<V>(beta_) * z)));
    return where(z <= V(0), V(0), z) + bend / constant<V>(beta_);
  }
  template <typename V>
  V slope(V z, V /*a*/) const {
    return logistic(constant<V>(beta_) * z);
  }
  template <typename V>
  V curvature(V z, V /*a*/) const {
    return constant<V>(beta_) * logistic_slope(constant<V>(beta_) * z);
  }
  double scale() const { return std::min(1.0, 1 / beta_); }

 private:
  double beta_;
};

}  // namespace

ActivationEntry softplus() {
  return elementwise_activation<Softplus>({
      .summary = "A smooth rectifier; its slope is the logistic function.",
      .formula = "phi(z) = ln(1 + exp(b z)) / b; phi'(z) = 1 / (1 + exp(-b z))",
      .paper = "Dugas, Bengio, Belisle, Nadeau & Garcia, Incorporating second-order functional "
               "knowledge for better option pricing, NIPS 2000",
  });
}

}  // namespace plumbline::activations
