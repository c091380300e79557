// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "engine/activations/activation.hpp"

namespace plumbline {

/// Residual blocks x + beta f(x), where f is a stack of layers that begin with their activation
/// (pre-activation): z = W phi(x) + b, weights N(0, sigma_w^2 / fan_in), biases N(0, sigma_b^2).
struct ResidualBlock {
  double weight_variance = 0;
  double bias_variance = 0;
  double scale = 1;        ///< beta; 1 for the plain skip connection
  std::size_t layers = 1;  ///< in the stack
};

/// One block at length q = E[x^2]: with q_0 = q, q_{k+1} = V(q_k), chi_k = sigma_w^2 E[phi'(sqrt(q_k) z)^2],
///   length    q + beta^2 q_m,   gradient_growth  1 + beta^2 prod_k chi_k  (of the squared norm, towards the input).
/// With relu and He's variance both are factors of 1 + beta^2: they double a block, and beta^2 = 1 / L keeps
/// them below e over L blocks.
/// Yang & Schoenholz, Mean field residual networks: on the edge of chaos, NIPS 2017, arXiv:1712.08969.
struct ResidualStep {
  double length = 0;
  double gradient_growth = 0;
};

ResidualStep residual_step(const Activation& activation, const ResidualBlock& block, double q);

/// Over `depth` blocks from length q: the step of each, input side first.
std::vector<ResidualStep> residual_profile(const Activation& activation, const ResidualBlock& block,
                                           double q, std::size_t depth);

}  // namespace plumbline
