// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/scaled.hpp"

namespace plumbline::initializers {

namespace {

// Var(w) = 1 / fan_in, equation 16 of section 4.6, uniform with limit sqrt(3 / fan_in). The paper leaves
// the distribution open.
class LecunUniform final : public ScaledInitializer {
 public:
  explicit LecunUniform(Settings& /*settings*/) : ScaledInitializer(Shape::uniform) {}

  std::optional<double> weight_variance(std::size_t fan_in,
                                        std::size_t /*fan_out*/) const override {
    return 1.0 / static_cast<double>(fan_in);
  }
};

}  // namespace

InitializerEntry lecun_uniform() {
  return initializer_entry<LecunUniform>({
      .summary = "The uniform form of lecun_normal.",
      .formula = "w ~ U(-r, r), r = sqrt(3 / fan_in); b = 0",
      .paper = "LeCun, Bottou, Orr & Mueller, Efficient BackProp, in Neural Networks: Tricks of "
               "the Trade, 1998, doi:10.1007/3-540-49430-8_2",
  });
}

}  // namespace plumbline::initializers
