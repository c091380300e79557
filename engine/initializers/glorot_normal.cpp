// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/scaled.hpp"

namespace plumbline::initializers {

namespace {

// Var(w) = 2 / (fan_in + fan_out), after equation 12; normal.
class GlorotNormal final : public ScaledInitializer {
 public:
  explicit GlorotNormal(Settings& /*settings*/) : ScaledInitializer(Shape::normal) {}

  std::optional<double> weight_variance(std::size_t fan_in, std::size_t fan_out) const override {
    return 2.0 / static_cast<double>(fan_in + fan_out);
  }
};

}  // namespace

InitializerEntry glorot_normal() {
  return initializer_entry<GlorotNormal>({
      .summary = "Variance 2 / (fan_in + fan_out): between what keeps activations and what keeps "
                 "gradients.",
      .formula = "w ~ N(0, 2 / (fan_in + fan_out)); b = 0",
      .paper = "Glorot & Bengio, Understanding the difficulty of training deep feedforward neural "
               "networks, AISTATS 2010",
  });
}

}  // namespace plumbline::initializers
