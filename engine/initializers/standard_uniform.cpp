// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/scaled.hpp"

namespace plumbline::initializers {

namespace {

// w ~ U(-1/sqrt(fan_in), 1/sqrt(fan_in)), equation 1: what the paper calls the standard heuristic, and
// what it was written against. Its biases are 0; PyTorch's Linear draws them from the same interval.
// Var(w) = 1 / (3 fan_in), so both activations and gradients shrink by sqrt(3) a layer at slope 1.
class StandardUniform final : public ScaledInitializer {
 public:
  explicit StandardUniform(Settings& /*settings*/) : ScaledInitializer(Shape::uniform) {}

  std::optional<double> weight_variance(std::size_t fan_in,
                                        std::size_t /*fan_out*/) const override {
    return 1.0 / (3 * static_cast<double>(fan_in));
  }
};

}  // namespace

InitializerEntry standard_uniform() {
  return initializer_entry<StandardUniform>({
      .summary = "The heuristic before Glorot and Bengio: a third of lecun_uniform's variance, so "
                 "gradients vanish.",
      .formula = "w ~ U(-r, r), r = 1 / sqrt(fan_in); b = 0",
      .paper = "Glorot & Bengio, Understanding the difficulty of training deep feedforward neural "
               "networks, AISTATS 2010",
  });
}

}  // namespace plumbline::initializers
