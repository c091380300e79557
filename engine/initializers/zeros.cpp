// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/scaled.hpp"

namespace plumbline::initializers {

namespace {

// w = 0. The units of a layer stay equal for ever, and where phi(0) = 0 nothing but the output biases
// learns: the case that the other initializers exist to avoid.
class Zeros final : public ScaledInitializer {
 public:
  explicit Zeros(Settings& /*settings*/) : ScaledInitializer(Shape::normal) {}

  std::optional<double> weight_variance(std::size_t /*fan_in*/,
                                        std::size_t /*fan_out*/) const override {
    return 0;
  }
};

}  // namespace

InitializerEntry zeros() {
  return initializer_entry<Zeros>({
      .summary = "All parameters zero: symmetry is never broken.",
      .formula = "w = 0; b = 0",
      .paper = "Rumelhart, Hinton & Williams, Learning internal representations by error "
               "propagation, 1986, on symmetry breaking",
  });
}

}  // namespace plumbline::initializers
