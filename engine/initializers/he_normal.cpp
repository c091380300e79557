// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/scaled.hpp"

namespace plumbline::initializers {

namespace {

// Var(w) = 2 / fan_in, equation 10: half of a rectifier's inputs are lost, so the variance is doubled.
class HeNormal final : public ScaledInitializer {
 public:
  explicit HeNormal(Settings& /*settings*/) : ScaledInitializer(Shape::normal) {}

  std::optional<double> weight_variance(std::size_t fan_in,
                                        std::size_t /*fan_out*/) const override {
    return 2.0 / static_cast<double>(fan_in);
  }
};

}  // namespace

InitializerEntry he_normal() {
  return initializer_entry<HeNormal>({
      .summary = "Variance 2 / fan_in: keeps the length of activations through rectifiers.",
      .formula = "w ~ N(0, 2 / fan_in); b = 0",
      .paper = "He, Zhang, Ren & Sun, Delving deep into rectifiers, ICCV 2015, arXiv:1502.01852",
  });
}

}  // namespace plumbline::initializers
