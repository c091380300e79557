// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/theory_command.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/theory/edge_of_chaos.hpp"
#include "experiments/runner/commands/exit_status.hpp"
#include "experiments/runner/commands/phase_diagram.hpp"
#include "experiments/runner/commands/theory_request.hpp"
#include "experiments/runner/text/setting_json.hpp"
#include "experiments/runner/text/text_table.hpp"

namespace plumbline {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t kWidth = 100;
constexpr int kDigits = 9;
constexpr int kFew = 4;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// A request with everything that is said about it.
struct Answer {
  MeanFieldPoint point;
  double critical_weight_variance = kNaN;
  std::vector<TheoryNumber> numbers = {};
  std::optional<ErrorSignalTheory> band = {};
};

Answer answer(const TheoryRequest& request) {
  Answer found{
      mean_field_point(*request.activation, request.weight_variance, request.bias_variance)};
  found.critical_weight_variance =
      critical_weight_variance(*request.activation, request.bias_variance).value_or(kNaN);
  found.numbers = depth_numbers(request, found.point);
  if (request.width && request.depth && request.independent_weights) {
    found.band = error_signals(request, found.point);
  }
  return found;
}

const char* phase_name(const MeanFieldPoint& point) {
  if (std::isnan(point.chi_1)) return "undefined";
  switch (phase_of(point.chi_1)) {
    case SignalPhase::ordered:
      return "ordered";
    case SignalPhase::critical:
      return "critical";
    case SignalPhase::chaotic:
      return "chaotic";
  }
  return "";
}

std::string layers_text(double layers) {
  return layers < 10 ? fmt::format("{:.2g}", layers) : fmt::format("{:.0f}", layers);
}

/// What the phase means for gradients.
std::string phase_of_plain_net(const MeanFieldPoint& point) {
  if (std::isnan(point.chi_1)) return "What becomes of gradients is not known here.";
  if (phase_of(point.chi_1) == SignalPhase::critical) {
    return "Critical: chi_1 is 1. Gradients neither vanish nor explode, at any depth that a net "
           "may "
           "have; in nets of finite width they still differ from net to net (width=N depth=N).";
  }
  const bool ordered = phase_of(point.chi_1) == SignalPhase::ordered;
  if (point.chi_1 == 0) return "Ordered: chi_1 is 0. Gradients vanish faster than exponentially.";
  if (std::isinf(point.chi_1)) {
    return "Chaotic: chi_1 is infinite. Gradients explode faster than exponentially.";
  }
  const double log_factor = std::abs(std::log(point.norm_factor));
  std::string text = fmt::format(
      "{}: chi_1 is {} 1. {}, and gradients {}: towards the input their norm {} every {} layers, "
      "and is "
      "{} after {}.",
      ordered ? "Ordered" : "Chaotic", ordered ? "below" : "above",
      ordered ? "Inputs become alike from layer to layer"
              : "Inputs that are alike part from layer to layer",
      ordered ? "vanish" : "explode", ordered ? "halves" : "doubles",
      layers_text(std::log(2) / log_factor), ordered ? "1/1000" : "1000-fold",
      layers_text(std::log(1000) / log_factor));
  if (std::isfinite(point.xi_c)) {
    text += fmt::format(" Nets train down to some 6 xi_c = {} layers (Schoenholz et al. 2017).",
                        layers_text(6 * point.xi_c));
  }
  return text;
}

std::string phase_sentence(const TheoryRequest& request, const MeanFieldPoint& point) {
  const bool has_other = request.batch.has_value() || request.residual_scale.has_value();
  return (has_other ? "Of plain nets, without the above: " : "") + phase_of_plain_net(point);
}

std::vector<TheoryNumber> numbers_of(const Answer& found) {
  const MeanFieldPoint& point = found.point;
  std::vector<TheoryNumber> numbers = {
      {"q_star", point.q_star, "length that pre-activations come to: their mean square"},
      {"chi_1", point.chi_1, "what a layer multiplies the squared error signal by, backward"},
      {"chi_c", point.chi_c,
       "what a layer multiplies a small change of the correlation by, at c_star"},
      {"c_star", point.c_star, "correlation that two inputs come to"},
      {"xi_q", point.xi_q, "layers over which lengths settle, by a factor e"},
      {"xi_c", point.xi_c, "layers over which correlations settle"},
      {"xi_grad", point.xi_grad,
       "layers over which the squared error signal falls by e; grows where negative"},
      {"norm_factor", point.norm_factor,
       "what a layer multiplies the error signal by: sqrt(chi_1)"}};
  for (TheoryNumber& number : numbers) {
    for (const Undefined& gap : point.undefined) {
      if (gap.quantity == number.name) number.meaning = "undefined: " + gap.because;
    }
  }
  numbers.push_back({"critical_weight_variance", found.critical_weight_variance,
                     std::isnan(found.critical_weight_variance)
                         ? "undefined: no weight variance is critical at this bias_variance"
                         : "weight_variance of chi_1 = 1 at this bias_variance"});
  numbers.insert(numbers.end(), found.numbers.begin(), found.numbers.end());
  return numbers;
}

std::string number_text(double value, int digits = kDigits) {
  return std::isnan(value) ? "-" : short_number(value, digits);
}

/// Why there is no prediction for some layers; empty where there is one for all.
std::string band_gap(const ErrorSignalTheory& band) {
  const auto first = std::ranges::find_if(band.rms, [](double rms) { return !std::isnan(rms); });
  const auto layers = first - band.rms.begin();
  if (layers == 0) return {};
  return fmt::format(
      "No prediction below layer {}: on the way up lengths or moments leave the range of float64.",
      layers + 1);
}

void write_wrapped(std::ostream& out, const std::string& text) {
  std::size_t column = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::size_t length = end - begin;
    if (column > 0 && column + 1 + length > kWidth) {
      out << '\n';
      column = 0;
    } else if (column > 0) {
      out << ' ';
      ++column;
    }
    out << text.substr(begin, length);
    column += length;
    begin = end + 1;
  }
  out << '\n';
}

void write_band(std::ostream& out, const TheoryRequest& request, const ErrorSignalTheory& band) {
  const std::size_t last = band.rms.size();
  out << '\n';
  write_wrapped(out, fmt::format("Error signal of each layer as a multiple of layer {}'s, over "
                                 "random nets of width {}: root "
                                 "mean square, and where 95 % of the nets are.",
                                 last, *request.width));
  out << '\n';
  TextTable table({{"layer", Align::right},
                   {"rms", Align::right},
                   {"2.5 %", Align::right},
                   {"97.5 %", Align::right}});
  const std::size_t stride = (last + 19) / 20;  // some 20 rows, and the last
  for (std::size_t l = 0; l < last; ++l) {
    if (l % stride != 0 && l + 1 != last) continue;
    table.add_row({std::to_string(l + 1), number_text(band.rms[l], kFew),
                   number_text(band.low[l], kFew), number_text(band.high[l], kFew)});
  }
  table.write_plain(out, kWidth);
  const std::string reason = band_gap(band);
  if (reason.empty()) return;
  out << '\n';
  write_wrapped(out, reason);
}

void write_text(const TheoryRequest& request, const Answer& found, std::ostream& out) {
  const std::string& initializer = request.initializer_name;
  out << fmt::format("{}, {}weight_variance {}, bias_variance {}: {}\n\n", request.activation_name,
                     initializer.empty() ? "" : initializer + ": ",
                     shortest(request.weight_variance), shortest(request.bias_variance),
                     phase_name(found.point));
  TextTable table({{"quantity"}, {"value", Align::right}, {"meaning"}});
  for (const TheoryNumber& number : numbers_of(found)) {
    table.add_row({number.name, number_text(number.value), number.meaning});
  }
  table.write_plain(out, kWidth + 20);
  out << '\n';
  write_wrapped(out, phase_sentence(request, found.point));
  if (found.band) write_band(out, request, *found.band);
  if (!request.independent_weights && request.depth && request.width) {
    out << '\n';
    write_wrapped(out, "The weights of " + initializer +
                           " depend on each other, and the band is of "
                           "weights that do not: there is none.");
  }
}

ordered_json number_json(double value) { return setting_json({value, {}}); }

ordered_json numbers_json(const std::vector<double>& values) {
  ordered_json array = ordered_json::array();
  for (const double value : values) array.push_back(number_json(value));
  return array;
}

void write_json(const TheoryRequest& request, const Answer& found, std::ostream& out) {
  ordered_json json = {{"activation", request.activation_name}};
  if (!request.initializer_name.empty()) json["initializer"] = request.initializer_name;
  json["weight_variance"] = request.weight_variance;
  json["bias_variance"] = request.bias_variance;
  ordered_json reasons = ordered_json::object();
  for (const TheoryNumber& number : numbers_of(found)) {
    json[number.name] = number_json(number.value);
    if (std::isnan(number.value)) {
      reasons[number.name] = number.meaning.substr(number.meaning.find(": ") + 2);
    }
  }
  json["phase"] =
      std::isnan(found.point.chi_1) ? ordered_json() : ordered_json(phase_name(found.point));
  json["meaning"] = phase_sentence(request, found.point);
  json["undefined"] = reasons;
  if (found.band) {
    const std::string reason = band_gap(*found.band);
    if (!reason.empty()) json["undefined"]["error_signal"] = reason;
    json["error_signal"] = {{"width", *request.width},
                            {"rms", numbers_json(found.band->rms)},
                            {"low", numbers_json(found.band->low)},
                            {"high", numbers_json(found.band->high)}};
  }
  out << json.dump(2) << '\n';
}

}  // namespace

std::string theory_keys() {
  std::string text = "Keys:\n";
  for (const SettingInfo& setting : theory_settings()) {
    const std::string what = setting.type == "plugin" ? "one of " + setting.range : setting.range;
    text += fmt::format("  {:16} {:20} {}\n", setting.name, what, setting.meaning);
  }
  text += "and the activation's own: activation=leaky_relu activation.slope=0.2\n";
  text += "--plot needs Plumbline's source folder and what scripts/setup installs there.";
  return text;
}

int theory_command(const TheoryOptions& options, std::ostream& out, std::ostream& err) {
  const TheoryRequest request = read_theory_request(options.settings);
  if (!options.plot.empty()) require_figure(options.plot);
  const Answer found = answer(request);
  if (options.json) {
    write_json(request, found, out);
  } else {
    write_text(request, found, out);
  }
  if (!options.plot.empty()) {
    draw_phase_diagram(phase_diagram(*request.activation, request.activation_name,
                                     request.weight_variance, request.bias_variance),
                       options.plot);
    err << options.plot << ": the phase diagram\n";
  }
  return kAllWell;
}

}  // namespace plumbline
