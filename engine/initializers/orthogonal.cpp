// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "engine/core/lapack.hpp"
#include "engine/initializers/initializer.hpp"

namespace plumbline::initializers {

namespace {

// W = gain Q, where a tall Gaussian matrix is Q R and R's diagonal is made positive: Q is then
// uniform over all matrices with orthonormal columns (Mezzadri, Notices of the AMS 54, 2007). A wide
// W is the transpose of a tall one: its rows are orthonormal.
class Orthogonal final : public Initializer {
 public:
  explicit Orthogonal(Settings& settings)
      : gain_(settings.number("gain", 1, kPositive, "what the orthogonal matrix is scaled by")) {}

  void fill_weights(const ParameterTensor& /*tensor*/, MatrixView<double> weights, Random& random) const override {
    const bool wide = weights.rows < weights.cols;
    const std::size_t length = std::max(weights.rows, weights.cols);
    const std::size_t count = std::min(weights.rows, weights.cols);
    std::vector<double> rows(count * length);
    for (double& value : rows) value = random.normal();
    const MatrixView<double> q{rows.data(), count, length, length};
    orthonormalize_rows(q);
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t i = 0; i < length; ++i) {
        double& weight = wide ? weights(k, i) : weights(i, k);
        weight = gain_ * q(k, i);
      }
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
