// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/scaled.hpp"

namespace plumbline::initializers {

namespace {

// Var(w) = 1 / fan_in, equation 16 of section 4.6.
class LecunNormal final : public ScaledInitializer {
 public:
  explicit LecunNormal(Settings& /*settings*/) : ScaledInitializer(Shape::normal) {}

  std::optional<double> weight_variance(std::size_t fan_in,
                                        std::size_t /*fan_out*/) const override {
    return 1.0 / static_cast<double>(fan_in);
  }
};

}  // namespace

InitializerEntry lecun_normal() {
  return initializer_entry<LecunNormal>({
      .summary = "Variance 1 / fan_in: keeps the length of activations through units of slope 1.",
      .formula = "w ~ N(0, 1 / fan_in); b = 0",
      .paper = "LeCun, Bottou, Orr & Mueller, Efficient BackProp, in Neural Networks: Tricks of "
               "the Trade, 1998, doi:10.1007/3-540-49430-8_2",
  });
}

}  // namespace plumbline::initializers
