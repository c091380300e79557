// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "engine/initializers/initializer.hpp"

namespace plumbline::initializers {

namespace {

// Each unit has k = `connections` incoming weights N(0, std^2), from inputs chosen at random without
// repetition, or from all where there are fewer; the others are 0 (section 5, "sparse initialization").
// Var(w) = std^2 min(k, fan_in) / fan_in: what reaches a unit does not depend on the width.
class Sparse final : public Initializer {
 public:
  explicit Sparse(Settings& settings)
      : connections_(static_cast<std::size_t>(settings.integer(
            "connections", 15, between(1, 1000000), "incoming weights of a unit that are not 0"))),
        std_(settings.number("std", 1, kNonNegative, "standard deviation of these")) {}

  void fill_weights(const ParameterTensor& /*tensor*/, MatrixView<double> weights,
                    Random& random) const override {
    std::vector<std::size_t> inputs(weights.cols);
    std::iota(inputs.begin(), inputs.end(), std::size_t{0});
    for (std::size_t i = 0; i < weights.rows; ++i) {
      std::fill_n(weights.row(i), weights.cols, 0.0);
      // The first steps of a shuffle (Fisher and Yates), from whatever order the last unit left.
      for (std::size_t k = 0; k < std::min(connections_, weights.cols); ++k) {
        std::swap(inputs[k], inputs[k + static_cast<std::size_t>(random.below(weights.cols - k))]);
        weights(i, inputs[k]) = std_ * random.normal();
      }
    }
  }
  std::optional<double> weight_variance(std::size_t fan_in,
                                        std::size_t /*fan_out*/) const override {
    return std_ * std_ * static_cast<double>(std::min(connections_, fan_in)) /
           static_cast<double>(fan_in);
  }
  bool independent_weights() const override { return false; }

 private:
  std::size_t connections_;
  double std_;
};

}  // namespace

InitializerEntry sparse() {
  return initializer_entry<Sparse>({
      .summary =
          "A few large incoming weights for each unit, whatever the width; the others are 0.",
      .formula = "w ~ N(0, std^2) for `connections` random inputs of each unit, else 0; b = 0",
      .paper = "Martens, Deep learning via Hessian-free optimization, ICML 2010",
  });
}

}  // namespace plumbline::initializers
