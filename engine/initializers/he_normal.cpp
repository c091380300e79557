// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/he_variance.hpp"
#include "engine/initializers/scaled.hpp"

namespace plumbline::initializers {

namespace {

// Var(w) = 2 / ((1 + a^2) fan), equations 10 and 15: of a rectifier's inputs half are lost, or arrive
// times a, so the variance is doubled or nearly so. fan_in keeps activations, fan_out (equation 14)
// gradients.
class HeNormal final : public ScaledInitializer {
 public:
  explicit HeNormal(Settings& settings) : ScaledInitializer(Shape::normal), variance_(settings) {}

  std::optional<double> weight_variance(std::size_t fan_in, std::size_t fan_out) const override {
    return variance_(fan_in, fan_out);
  }

 private:
  HeVariance variance_;
};

}  // namespace

InitializerEntry he_normal() {
  return initializer_entry<HeNormal>({
      .summary =
          "Variance 2 / fan: keeps the length of activations (fan_in) or gradients (fan_out) "
          "through rectifiers.",
      .formula = "w ~ N(0, 2 / ((1 + slope^2) fan)); b = 0",
      .paper = "He, Zhang, Ren & Sun, Delving deep into rectifiers, ICCV 2015, arXiv:1502.01852",
  });
}

}  // namespace plumbline::initializers
