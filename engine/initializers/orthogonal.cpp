// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/initializers/initializer.hpp"
#include "engine/initializers/random_orthogonal.hpp"

namespace plumbline::initializers {

namespace {

// W = gain Q, where Q is uniform over all matrices with orthonormal columns or, where W is wide, rows.
class Orthogonal final : public Initializer {
 public:
  explicit Orthogonal(Settings& settings)
      : gain_(settings.number("gain", 1, kPositive, "what the orthogonal matrix is scaled by")) {}

  void fill_weights(const ParameterTensor& /*tensor*/, MatrixView<double> weights,
                    Random& random) const override {
    fill_random_orthogonal(weights, random);
    for (std::size_t i = 0; i < weights.rows; ++i) {
      for (std::size_t j = 0; j < weights.cols; ++j) weights(i, j) *= gain_;
    }
  }
  // Each row or column of length max(fan_in, fan_out) has norm gain.
  std::optional<double> weight_variance(std::size_t fan_in, std::size_t fan_out) const override {
    return gain_ * gain_ / static_cast<double>(std::max(fan_in, fan_out));
  }
  bool independent_weights() const override { return false; }

 private:
  double gain_;
};

}  // namespace

InitializerEntry orthogonal() {
  return initializer_entry<Orthogonal>({
      .summary = "A random orthogonal matrix times a gain: all singular values are equal.",
      .formula = "W = gain Q, W^T W = gain^2 I or W W^T = gain^2 I; b = 0",
      .paper = "Saxe, McClelland & Ganguli, Exact solutions to the nonlinear dynamics of learning "
               "in deep linear neural networks, ICLR 2014, arXiv:1312.6120",
  });
}

}  // namespace plumbline::initializers
