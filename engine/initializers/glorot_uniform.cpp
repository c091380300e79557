// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/scaled.hpp"

namespace plumbline::initializers {

namespace {

// Var(w) = 2 / (fan_in + fan_out), uniform with limit sqrt(6 / (fan_in + fan_out)), equation 16.
class GlorotUniform final : public ScaledInitializer {
 public:
  explicit GlorotUniform(Settings& /*settings*/) : ScaledInitializer(Shape::uniform) {}

  std::optional<double> weight_variance(std::size_t fan_in, std::size_t fan_out) const override {
    return 2.0 / static_cast<double>(fan_in + fan_out);
  }
};

}  // namespace

InitializerEntry glorot_uniform() {
  return initializer_entry<GlorotUniform>({
      .summary = "The uniform form of glorot_normal.",
      .formula = "w ~ U(-r, r), r = sqrt(6 / (fan_in + fan_out)); b = 0",
      .paper = "Glorot & Bengio, Understanding the difficulty of training deep feedforward neural "
               "networks, AISTATS 2010",
  });
}

}  // namespace plumbline::initializers
