// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "engine/activations/activation.hpp"

namespace plumbline::activations {

namespace {

// phi(z) = sin(w z), phi'(z) = w cos(w z), phi''(z) = -w^2 sin(w z). The paper's nets have w = 30 and
// weights drawn to match; without those, w = 1 is the plain sine. No limit at infinity: NaN there.
class Sine {
 public:
  explicit Sine(Settings& settings)
      : frequency_(settings.number("frequency", 1, kPositive, "w, radians for each unit of z")) {}

  template <typename V>
  V value(V z) const {
    using std::sin;
    return sin(constant<V>(frequency_) * z);
  }
  template <typename V>
  V slope(V z, V /*a*/) const {
    using std::cos;
    return constant<V>(frequency_) * cos(constant<V>(frequency_) * z);
  }
  template <typename V>
  V curvature(V /*z*/, V a) const {
    return constant<V>(-frequency_ * frequency_) * a;
  }
  double scale() const { return std::min(1.0, 1 / frequency_); }

 private:
  double frequency_;
};

}  // namespace

ActivationEntry sine() {
  return elementwise_activation<Sine>({
      .summary = "The sine, periodic; for nets that represent signals.",
      .formula = "phi(z) = sin(w z); phi'(z) = w cos(w z)",
      .paper = "Sitzmann, Martel, Bergman, Lindell & Wetzstein, Implicit neural representations "
               "with periodic activation functions, NeurIPS 2020, arXiv:2006.09661",
  });
}

}  // namespace plumbline::activations
