// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/constant_weights.hpp"

namespace plumbline::initializers {

namespace {

// w = value. The units of a layer stay equal for ever.
class Constant final : public ConstantWeights {
 public:
  explicit Constant(Settings& settings)
      : ConstantWeights(settings.number("value", 0.1, kAny, "every weight")) {}
};

}  // namespace

InitializerEntry constant() {
  return initializer_entry<Constant>({
      .summary = "All weights one number: symmetry is never broken.",
      .formula = "w = value; b = 0",
      .paper = "Rumelhart, Hinton & Williams, Learning internal representations by error "
               "propagation, 1986, on symmetry breaking",
  });
}

}  // namespace plumbline::initializers
