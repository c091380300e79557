// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline {

/// Up to where an update rule is stable. On a quadratic loss with Hessian H, with a gradient of all
/// examples and with its diagonal preconditioner P and learning rate as they are now, it converges where
/// no eigenvalue of P^(-1/2) H P^(-1/2) is negative or above `sharpness`, and diverges above. Cohen et al.,
/// Gradient descent on neural networks typically occurs at the edge of stability, ICLR 2021,
/// arXiv:2103.00065; with P: arXiv:2207.14484.
struct StabilityLimit {
  double sharpness = 0;
  std::vector<double> preconditioner;  ///< the diagonal of P; empty: the identity
};

/// What an Optimizer has beside its steps where its limit is known.
template <typename T>
class HasStabilityLimit {
 public:
  virtual ~HasStabilityLimit() = default;

  /// For the step that step() would make with these arguments, which is not made.
  virtual StabilityLimit stability_limit(std::span<const T> gradient,
                                         const StepContext<T>& context) const = 0;
};

/// P of a rule that divides by the root of v <- decay v + (1 - decay) g^2:
///   factor (sqrt(correction v + inside) + outside), v as the step will have it.
struct RootOfSquares {
  double decay = 0;
  double correction = 1;
  double inside = 0;
  double outside = 0;
  double factor = 1;

  template <typename T>
  std::vector<double> diagonal(std::span<const T> gradient, std::span<const T> before) const {
    std::vector<double> p(gradient.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      const auto g = static_cast<double>(gradient[i]);
      const double v = decay * static_cast<double>(before[i]) + (1 - decay) * g * g;
      p[i] = factor * (std::sqrt(correction * v + inside) + outside);
    }
    return p;
  }
};

}  // namespace plumbline
