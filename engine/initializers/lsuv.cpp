// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/initializers/initializer.hpp"
#include "engine/initializers/random_orthogonal.hpp"

namespace plumbline::initializers {

namespace {

// Layer-sequential unit variance, the paper's algorithm 1: orthogonal weights, then from the input side
// each layer's weights divided by the standard deviation, over examples and units, of what the first
// batch makes of them before the activation. The paper repeats this until the variance is within 0.1 of
// 1; biases are 0, so here once is enough and exact. A layer that sees no variance keeps its weights.
class Lsuv final : public Initializer {
 public:
  explicit Lsuv(Settings& /*settings*/) {}

  void fill_weights(const ParameterTensor& /*tensor*/, MatrixView<double> weights,
                    Random& random) const override {
    fill_random_orthogonal(weights, random);
  }
  std::optional<double> weight_variance(std::size_t /*fan_in*/,
                                        std::size_t /*fan_out*/) const override {
    return std::nullopt;
  }
  bool independent_weights() const override { return false; }

  bool looks_at_data() const override { return true; }
  double weight_factor(MatrixView<const double> pre_activations) const override {
    const auto mean = [&](const auto& function) {
      double sum = 0;
      for (std::size_t i = 0; i < pre_activations.rows; ++i) {
        for (std::size_t j = 0; j < pre_activations.cols; ++j)
          sum += function(pre_activations(i, j));
      }
      return sum / static_cast<double>(pre_activations.rows * pre_activations.cols);
    };
    const double center = mean([](double z) { return z; });
    const double variance = mean([&](double z) { return (z - center) * (z - center); });
    const double factor = 1 / std::sqrt(variance);
    return std::isfinite(factor) ? factor : 1;
  }
};

}  // namespace

InitializerEntry lsuv() {
  return initializer_entry<Lsuv>({
      .summary =
          "Orthogonal weights, scaled layer after layer to pre-activations of variance 1 for "
          "the first batch.",
      .formula = "W <- Q / sd(Q a) over the examples and units of the first batch; b = 0",
      .paper = "Mishkin & Matas, All you need is a good init, ICLR 2016, arXiv:1511.06422",
  });
}

}  // namespace plumbline::initializers
