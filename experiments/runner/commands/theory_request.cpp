// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/theory_request.hpp"

#include <cmath>
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "engine/initializers/initializer.hpp"
#include "engine/theory/batch_norm_theory.hpp"
#include "engine/theory/gradient_correlation.hpp"
#include "engine/theory/jacobian_spectrum.hpp"
#include "engine/theory/residual_theory.hpp"
#include "engine/theory/unit_functions.hpp"
#include "experiments/runner/definition/argument_settings.hpp"

namespace plumbline {

namespace {

constexpr double kMostLayers = 10000;
constexpr double kMostUnits = 1e9;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::optional<std::size_t> count(Settings& settings, const char* name, double most,
                                 const char* meaning) {
  const std::int64_t value = settings.integer(name, 1, between(1, most), meaning);
  if (!settings.given(name)) return std::nullopt;
  return static_cast<std::size_t>(value);
}

/// sigma_w^2 = fan_in Var(w) of a layer between layers of `width` units; nothing where Var(w) is none.
std::optional<double> scaled_variance(const Initializer& initializer, const Activation& activation,
                                      std::size_t width) {
  const std::size_t fan_in = activation.outputs(width);
  const auto variance = initializer.weight_variance(fan_in, activation.units(width));
  if (!variance) return std::nullopt;
  return static_cast<double>(fan_in) * *variance;
}

/// The variances of a request that names an initializer. Of most, sigma_w^2 is the same at any width.
void take_variances(Settings& settings, const Chosen<InitializerEntry>& chosen,
                    TheoryRequest& request) {
  constexpr std::size_t kSomeWidth = 1 << 10;
  constexpr double kRounding = 1e-12;  // a few operations on doubles
  const std::string& name = chosen.plugin.name;
  for (const char* other : {"weight_variance", "bias_variance"}) {
    if (settings.given(other))
      settings.problem(other, "is given beside 'initializer', which has it");
  }
  const Activation& activation = *request.activation;
  const auto initializer =
      chosen.make(settings.report(), [&](const InitializerEntry& entry, Settings& own) {
        return entry.make(own, {activation, '\'' + request.activation_name + '\''});
      });
  if (!settings.report().problems.empty()) return;
  const auto at_some_width =
      scaled_variance(*initializer, activation, request.width.value_or(kSomeWidth));
  if (!at_some_width) {
    settings.problem("initializer", "is '" + name +
                                        "', whose weights have no variance that is known "
                                        "before they are drawn; give weight_variance");
    return;
  }
  if (initializer->weight_mean() != 0) {
    settings.problem("initializer", "is '" + name +
                                        "', whose weights have a mean; the theory is of "
                                        "weights around 0");
    return;
  }
  const double at_half = *scaled_variance(*initializer, activation, kSomeWidth / 2);
  const double at_whole = *scaled_variance(*initializer, activation, kSomeWidth);
  if (!request.width && std::abs(at_whole - at_half) > kRounding * at_whole) {
    settings.problem("initializer", "is '" + name +
                                        "', whose variance times fan_in depends on the "
                                        "width: it needs width=N");
  }
  request.initializer_name = name;
  request.weight_variance = *at_some_width;
  request.bias_variance = initializer->bias_variance();
  request.independent_weights = initializer->independent_weights();
}

TheoryRequest read(Settings& settings) {
  TheoryRequest request;
  const Chosen<ActivationEntry> chosen =
      choose(settings, "activation", "tanh", activation_catalogue(), "of all layers");
  request.activation_name = chosen.plugin.name;
  if (chosen.entry != nullptr) {
    request.activation =
        chosen.make(settings.report(),
                    [](const ActivationEntry& entry, Settings& own) { return entry.make(own); });
  }
  request.weight_variance = settings.number("weight_variance", 1, kNonNegative,
                                            "sigma_w^2, fan_in times the variance of a weight");
  request.bias_variance =
      settings.number("bias_variance", 0, kNonNegative, "sigma_b^2, the variance of a bias");
  const Chosen<InitializerEntry> initializer =
      choose(settings, "initializer", "glorot_uniform", initializer_catalogue(),
             "gives both variances, at the width where they depend on it");
  request.depth = count(settings, "depth", kMostLayers, "hidden layers that signals pass");
  request.width =
      count(settings, "width", kMostUnits, "units of each; with depth, the band over random nets");
  if (settings.given("initializer") && initializer.entry != nullptr && request.activation) {
    take_variances(settings, initializer, request);
  }
  const double batch =
      settings.number("batch", 64, at_least(4), "examples, of nets with batch norm in each layer");
  if (settings.given("batch")) request.batch = batch;
  const double scale =
      settings.number("residual_scale", 1, kAny, "beta of blocks x + beta W phi(x), depth of them");
  if (settings.given("residual_scale")) request.residual_scale = scale;
  return request;
}

void add_jacobian(std::vector<TheoryNumber>& numbers, const TheoryRequest& request, double q,
                  WeightEnsemble weights, const std::string& name) {
  const JacobianSpectrum spectrum =
      jacobian_spectrum(*request.activation, q, weights, *request.depth);
  numbers.push_back({"jacobian_variance_" + name, spectrum.variance,
                     std::isnan(spectrum.variance)
                         ? "undefined: units and outputs are not one to one"
                         : "of squared singular values over their mean, " + name + " weights"});
  numbers.push_back({"jacobian_largest_" + name, spectrum.largest,
                     std::isnan(spectrum.largest)
                         ? "undefined: phi'^2 has more values than one besides 0"
                         : "the largest of them, " + name + " weights"});
}

void add_plain_depth(std::vector<TheoryNumber>& numbers, const TheoryRequest& request,
                     const MeanFieldPoint& point, double q) {
  const auto depth = static_cast<double>(*request.depth);
  numbers.push_back(
      {"gradient_factor", std::pow(point.norm_factor, depth),
       fmt::format("of the error signal's norm over {} layers, all at q_star", *request.depth)});
  const std::vector<double> correlation = plain_gradient_correlation(
      *request.activation, request.weight_variance, request.bias_variance, q, 0, *request.depth);
  numbers.push_back({"gradient_correlation", correlation.empty() ? kNaN : correlation.back(),
                     !correlation.empty() ? "of two inputs that are uncorrelated in layer 1"
                     : unit_functions(*request.activation).empty()
                         ? "undefined: an output takes several units"
                         : "not known: lengths grow beyond what quadrature follows"});
  add_jacobian(numbers, request, q, WeightEnsemble::gaussian, "gaussian");
  add_jacobian(numbers, request, q, WeightEnsemble::orthogonal, "orthogonal");
}

void add_residual(std::vector<TheoryNumber>& numbers, const TheoryRequest& request) {
  const ResidualBlock block{.weight_variance = request.weight_variance,
                            .bias_variance = request.bias_variance,
                            .scale = *request.residual_scale};
  double log_growth = 0;
  double length = 1;
  for (const ResidualStep& step : residual_profile(*request.activation, block, 1, *request.depth)) {
    log_growth += std::log(step.gradient_growth);
    length = step.length;
  }
  numbers.push_back({"residual_length", length,
                     fmt::format("q after {} residual blocks, from 1", *request.depth)});
  numbers.push_back({"residual_gradient_factor", std::exp(log_growth / 2),
                     "of the gradient's norm over these blocks"});
}

}  // namespace

std::vector<SettingInfo> theory_settings() {
  return declared_settings([](Settings& settings) { read(settings); });
}

TheoryRequest read_theory_request(const std::vector<std::string>& arguments) {
  SettingsReport report;
  const SettingsTable given = read_argument_settings(arguments, report.problems);
  Settings settings(given, "", report, {"plumbline theory", 0, 0});
  TheoryRequest request = read(settings);
  const bool has_initializer = settings.given("initializer");
  const char* variance = has_initializer ? "initializer" : "weight_variance";
  for (const char* name : {"activation", variance}) {
    if (report.problems.empty() && !settings.given(name)) {
      settings.problem(name,
                       "must be given, such as activation=tanh weight_variance=1.5, or "
                       "initializer=glorot_normal in the place of the variance");
    }
  }
  for (const char* name : {"width", "residual_scale"}) {
    if (has_initializer && name == std::string_view("width")) continue;
    if (settings.given(name) && !settings.given("depth")) settings.problem(name, "needs depth=N");
  }
  settings.finish();
  if (!report.problems.empty()) throw DefinitionError(report.problems);
  return request;
}

std::vector<TheoryNumber> depth_numbers(const TheoryRequest& request, const MeanFieldPoint& point) {
  std::vector<TheoryNumber> numbers;
  const double q = std::isfinite(point.q_star) && point.q_star > 0 ? point.q_star : 1;
  if (request.depth) add_plain_depth(numbers, request, point, q);
  if (request.residual_scale) add_residual(numbers, request);
  if (request.batch) {
    const auto theory = batch_norm_theory(*request.activation, *request.batch);
    const char* nowhere = "undefined: known for relu and linear alone";
    numbers.push_back({"batch_norm_norm_factor", theory ? std::sqrt(theory->gradient_growth) : kNaN,
                       theory ? "of the gradient's norm a layer, behind batch norm" : nowhere});
    numbers.push_back({"batch_norm_correlation", theory ? theory->correlation : kNaN,
                       theory ? "that two examples of a batch come to" : nowhere});
  }
  return numbers;
}

ErrorSignalTheory error_signals(const TheoryRequest& request, const MeanFieldPoint& point) {
  const double outputs = static_cast<double>(request.activation->outputs(*request.width));
  const double q = std::isfinite(point.q_star) && point.q_star > 0 ? point.q_star : 1;
  const std::vector<TheoryLayer> layers(
      *request.depth + 1, {outputs, request.weight_variance / outputs, request.bias_variance});
  // q_1 = sigma_b^2 + sigma_w^2 / n |x|^2.
  const double square =
      request.weight_variance > 0
          ? outputs * std::fmax(q - request.bias_variance, 0) / request.weight_variance
          : 0;
  return error_signal_theory(*request.activation, layers, square);
}

}  // namespace plumbline
