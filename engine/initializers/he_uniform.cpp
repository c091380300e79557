// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/scaled.hpp"

namespace plumbline::initializers {

namespace {

// Var(w) = 2 / fan_in, uniform with limit sqrt(6 / fan_in).
class HeUniform final : public ScaledInitializer {
 public:
  explicit HeUniform(Settings& /*settings*/) : ScaledInitializer(Shape::uniform) {}

  std::optional<double> weight_variance(std::size_t fan_in,
                                        std::size_t /*fan_out*/) const override {
    return 2.0 / static_cast<double>(fan_in);
  }
};

}  // namespace

InitializerEntry he_uniform() {
  return initializer_entry<HeUniform>({
      .summary = "The uniform form of he_normal.",
      .formula = "w ~ U(-r, r), r = sqrt(6 / fan_in); b = 0",
      .paper = "He, Zhang, Ren & Sun, Delving deep into rectifiers, ICCV 2015, arXiv:1502.01852",
  });
}

}  // namespace plumbline::initializers
