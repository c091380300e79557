// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/unit_functions.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "engine/theory/normal_panels.hpp"

namespace plumbline {

namespace {

UnitFunction of_elementwise(const ElementwiseActivation& phi) {
  return {[&phi](double z) { return phi.value(z); }, [&phi](double z) { return phi.slope(z); },
          phi.kinks(), phi.scale()};
}

// One unit alone, through the passes of a layer of width 1.
UnitFunction of_output(const Activation& activation, std::size_t output) {
  const std::vector<double> parameters(activation.parameters(1), activation.initial_parameter());
  const std::size_t outputs = activation.outputs(1);
  const auto value = [&activation, parameters, outputs, output](double z) {
    std::vector<double> a(outputs);
    activation.forward({&z, 1, 1, 1}, parameters,
                       MatrixView<double>{a.data(), 1, outputs, outputs});
    return a[output];
  };
  const auto slope = [&activation, parameters, outputs, output](double z) {
    const std::vector<double> still(parameters.size(), 0.0);
    std::vector<double> a(outputs);
    std::vector<double> along(outputs);
    const double one = 1;
    const MatrixView<const double> unit{&z, 1, 1, 1};
    activation.forward(unit, parameters, MatrixView<double>{a.data(), 1, outputs, outputs});
    activation.tangent(unit, MatrixView<const double>{a.data(), 1, outputs, outputs}, parameters,
                       {&one, 1, 1, 1}, still,
                       MatrixView<double>{along.data(), 1, outputs, outputs});
    return along[output];
  };
  return {value, slope, {0}, 1};
}

}  // namespace

double UnitFunction::mean(double q, const std::function<double(double)>& function) const {
  constexpr double kFinest = 100;  // sqrt(q) up to which it holds; a bound on the time
  const double deviation = std::sqrt(q);
  std::vector<double> breaks = {0};
  for (const double kink : kinks) breaks.push_back(kink / deviation);
  std::vector<double> ends;
  normal_panels::set_ends(ends, normal_panels::kPanelOfPhi / std::min(deviation / scale, kFinest),
                          breaks);
  double sum = 0;
  normal_panels::for_each_node<16>(
      ends, [&](double z, double weight) { sum += weight * function(deviation * z); });
  return sum;
}

std::vector<UnitFunction> unit_functions(const Activation& activation) {
  if (const auto* phi = dynamic_cast<const ElementwiseActivation*>(&activation)) {
    return {of_elementwise(*phi)};
  }
  if (activation.units(1) != 1) return {};
  std::vector<UnitFunction> functions;
  for (std::size_t output = 0; output < activation.outputs(1); ++output) {
    functions.push_back(of_output(activation, output));
  }
  return functions;
}

std::optional<Rectifier> rectifier(const UnitFunction& function) {
  constexpr double kRounding = 1e-15;
  const Rectifier slopes{function.value(1), -function.value(-1)};
  for (const double z : {1e-6, 0.01, 0.3, 2.0, 50.0, 1e6}) {
    const auto is_straight = [&](double at, double slope) {
      return std::abs(function.value(at) - slope * at) <= kRounding * std::abs(slope * at);
    };
    if (!is_straight(z, slopes.positive) || !is_straight(-z, slopes.negative)) return std::nullopt;
  }
  return slopes;
}

GaussianMoments quick_moments(const Activation& activation, double q) {
  if (const auto* phi = dynamic_cast<const ElementwiseActivation*>(&activation)) {
    if (const auto slopes = rectifier(of_elementwise(*phi))) {
      const double positive = slopes->positive * slopes->positive;
      const double negative = slopes->negative * slopes->negative;
      const double mean = (positive + negative) / 2;
      return {q * mean, mean, (positive * positive + negative * negative) / 2};
    }
  }
  return activation.moments(q);
}

double quick_mean_square(const Activation& activation, double q) {
  const auto* phi = dynamic_cast<const ElementwiseActivation*>(&activation);
  if (phi == nullptr) return activation.mean_square(q);
  return of_elementwise(*phi).mean(q, [phi](double u) { return phi->value(u) * phi->value(u); });
}

std::optional<double> length_gain(const Activation& activation) {
  if (const auto* phi = dynamic_cast<const ElementwiseActivation*>(&activation)) {
    if (!rectifier(of_elementwise(*phi))) return std::nullopt;
    return quick_moments(activation, 1).square;
  }
  constexpr double kQuadrature = 1e-12;
  const double gain = activation.mean_square(1);
  for (const double q : {1e-6, 0.01, 30.0, 1e4}) {
    if (std::abs(activation.mean_square(q) / q - gain) > kQuadrature * gain) return std::nullopt;
  }
  return gain;
}

}  // namespace plumbline
