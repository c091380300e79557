// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/constant_weights.hpp"

namespace plumbline::initializers {

namespace {

// w = 1. The units of a layer stay equal for ever.
class Ones final : public ConstantWeights {
 public:
  explicit Ones(Settings& /*settings*/) : ConstantWeights(1) {}
};

}  // namespace

InitializerEntry ones() {
  return initializer_entry<Ones>({
      .summary = "All weights one: every unit of a layer is the sum of its inputs, and symmetry is "
                 "never broken.",
      .formula = "w = 1; b = 0",
      .paper = "Rumelhart, Hinton & Williams, Learning internal representations by error "
               "propagation, 1986, on symmetry breaking",
  });
}

}  // namespace plumbline::initializers
