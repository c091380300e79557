// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "engine/core/settings.hpp"
#include "engine/core/state_archive.hpp"

namespace plumbline {

/// Dozat's schedule of momentum, mu_t = beta1 (1 - 0.5 * 0.96^(t psi)), and the weights that it
/// gives the moving average m and the gradient g in
///   m_hat = mu_(t+1) m / (1 - mu_1 ... mu_(t+1)) + (1 - mu_t) g / (1 - mu_1 ... mu_t)
class NadamMomentum {
 public:
  explicit NadamMomentum(Settings& settings)
      : beta1_(settings.number("beta1", 0.9, kDecay, "decay rate of the mean of gradients")),
        psi_(settings.number("psi", 0.004, kNonNegative,
                             "how fast the momentum rises from beta1 / 2 to beta1")) {}

  struct Step {
    double mu = 0;           ///< mu_t
    double weight_of_m = 0;  ///< mu_(t+1) / (1 - mu_1 ... mu_(t+1))
    double weight_of_g = 0;  ///< (1 - mu_t) / (1 - mu_1 ... mu_t)
  };
  /// To be called once a step.
  Step advance(double t) {
    const double mu = mu_at(t);
    const double next = mu_at(t + 1);
    product_ *= mu;
    return {mu, next / (1 - product_ * next), (1 - mu) / (1 - product_)};
  }
  void archive(StateArchive& kept) { kept(product_); }

 private:
  double mu_at(double t) const { return beta1_ * (1 - 0.5 * std::pow(0.96, t * psi_)); }

  double beta1_;
  double psi_;
  double product_ = 1;  // mu_1 ... mu_t
};

}  // namespace plumbline
