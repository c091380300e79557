// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>

#include "engine/initializers/scaled.hpp"
#include "engine/theory/edge_of_chaos.hpp"

namespace plumbline::initializers {

namespace {

// Rectifiers have one at 0 alone; gelu and its like, whose slope is 1/2 at 0, at large ones alone.
std::string where_there_is_one(const Activation& activation) {
  for (const double bias_variance : {0.0, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0}) {
    if (critical_weight_variance(activation, bias_variance).has_value()) {
      return "it has one at " + to_string(SettingNode{bias_variance, {}});
    }
  }
  return "try mean_field";
}

// mean_field at the point of the given sigma_b^2 that is on the line chi_1 = 1 between order and chaos:
// sigma_w^2 from engine/theory for the activation of the hidden layers. At the critical length q*
//   chi_1 = sigma_w^2 E[phi'(sqrt(q*) z)^2] = 1,   q* = sigma_w^2 E[phi(sqrt(q*) z)^2] + sigma_b^2.
// tanh has (1, 0) and (1.76, 0.05), relu (2, 0) alone. Inputs are not scaled to q*: lengths come there
// over the first layers, but for activations that keep any length, such as relu.
class EdgeOfChaos final : public ScaledInitializer {
 public:
  EdgeOfChaos(Settings& settings, const HiddenActivation& activation)
      : ScaledInitializer(Shape::normal),
        bias_variance_(
            settings.number("bias_variance", 0, kNonNegative, "sigma_b^2, the bias variance")) {
    if (settings.only_declares()) return;
    const std::optional<double> critical = critical_weight_variance(activation.phi, bias_variance_);
    if (critical.has_value()) {
      weight_variance_ = *critical;
      return;
    }
    settings.problem("bias_variance", "is " + to_string(SettingNode{bias_variance_, {}}) +
                                          ", where " + activation.name +
                                          " has no weight variance at the edge of chaos; " +
                                          where_there_is_one(activation.phi));
  }

  std::optional<double> weight_variance(std::size_t fan_in,
                                        std::size_t /*fan_out*/) const override {
    return weight_variance_ / static_cast<double>(fan_in);
  }
  double bias_variance() const override { return bias_variance_; }

 private:
  double bias_variance_;
  double weight_variance_ = 1;
};

}  // namespace

InitializerEntry edge_of_chaos() {
  return initializer_entry<EdgeOfChaos>({
      .summary = "The Gaussian ensemble whose gradients neither vanish nor explode in wide nets of "
                 "the activation: mean_field with chi_1 = 1.",
      .formula = "w ~ N(0, sigma_w^2 / fan_in), sigma_w^2 E[phi'(sqrt(q*) z)^2] = 1; "
                 "b ~ N(0, bias_variance)",
      .paper = "Schoenholz, Gilmer, Ganguli & Sohl-Dickstein, Deep information propagation, ICLR "
               "2017, arXiv:1611.01232",
  });
}

}  // namespace plumbline::initializers
