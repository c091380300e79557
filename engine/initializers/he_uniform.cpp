// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/he_variance.hpp"
#include "engine/initializers/scaled.hpp"

namespace plumbline::initializers {

namespace {

// Var(w) = 2 / ((1 + a^2) fan), uniform with limit sqrt(6 / ((1 + a^2) fan)). The paper draws normal
// weights alone.
class HeUniform final : public ScaledInitializer {
 public:
  explicit HeUniform(Settings& settings) : ScaledInitializer(Shape::uniform), variance_(settings) {}

  std::optional<double> weight_variance(std::size_t fan_in, std::size_t fan_out) const override {
    return variance_(fan_in, fan_out);
  }

 private:
  HeVariance variance_;
};

}  // namespace

InitializerEntry he_uniform() {
  return initializer_entry<HeUniform>({
      .summary = "The uniform form of he_normal.",
      .formula = "w ~ U(-r, r), r = sqrt(6 / ((1 + slope^2) fan)); b = 0",
      .paper = "He, Zhang, Ren & Sun, Delving deep into rectifiers, ICCV 2015, arXiv:1502.01852",
  });
}

}  // namespace plumbline::initializers
