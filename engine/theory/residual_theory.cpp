// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/residual_theory.hpp"

#include "engine/theory/unit_functions.hpp"

namespace plumbline {

ResidualStep residual_step(const Activation& activation, const ResidualBlock& block, double q) {
  double inner = q;
  double gain = 1;
  for (std::size_t layer = 0; layer < block.layers; ++layer) {
    const GaussianMoments moments = quick_moments(activation, inner);
    gain *= block.weight_variance * moments.slope_square;
    inner = block.bias_variance + block.weight_variance * moments.square;
  }
  const double scale_square = block.scale * block.scale;
  return {q + scale_square * inner, 1 + scale_square * gain};
}

std::vector<ResidualStep> residual_profile(const Activation& activation, const ResidualBlock& block,
                                           double q, std::size_t depth) {
  std::vector<ResidualStep> steps;
  for (std::size_t l = 0; l < depth; ++l) {
    steps.push_back(residual_step(activation, block, q));
    q = steps.back().length;
  }
  return steps;
}

}  // namespace plumbline
