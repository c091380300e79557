// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/phase_diagram.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/core/error.hpp"
#include "engine/theory/length_map.hpp"
#include "engine/theory/mean_field.hpp"
#include "engine/theory/unit_functions.hpp"
#include "experiments/runner/machine/called_program.hpp"

namespace plumbline {

namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// What a fixed point at q needs, for sigma_w^2 = 1.
struct AtLength {
  double q = 0;
  double square = 0;
  double slope_square = 0;
  double map_slope = 0;
};

std::vector<AtLength> lengths(const Activation& activation) {
  constexpr double kShortest = 1e-5;
  constexpr double kLongest = 1e3;
  constexpr int kLengths = 320;
  std::vector<AtLength> all;
  for (int k = 0; k <= kLengths; ++k) {
    const double q = kShortest * std::pow(kLongest / kShortest, static_cast<double>(k) / kLengths);
    const GaussianMoments moments = quick_moments(activation, q);
    all.push_back({q, moments.square, moments.slope_square, length_map_slope(activation, 1, q)});
  }
  return all;
}

using Pieces = std::vector<std::vector<PhasePoint>>;

// Of an activation that scales, chi_1 says sigma_w^2 at every length.
Pieces upright(double weight_variance, double most_bias_variance) {
  return {{{weight_variance, 0, 0}, {weight_variance, most_bias_variance, 0}}};
}

// Whether lengths from 1 come to the fixed point at `own` without meeting another one on the way.
bool is_reached(const std::vector<AtLength>& lengths, const PhasePoint& point, std::size_t own) {
  if (std::abs(point.weight_variance * lengths[own].map_slope) >= 1) return false;
  const auto grows = [&](const AtLength& at) {
    return point.bias_variance + point.weight_variance * at.square > at.q;
  };
  for (std::size_t k = own + 1; k < lengths.size() && lengths[k].q <= 1; ++k) {
    if (grows(lengths[k])) return false;
  }
  for (std::size_t k = own; k-- > 0 && lengths[k].q >= 1;) {
    if (!grows(lengths[k])) return false;
  }
  return true;
}

// sigma_w^2 = chi_1 / E[phi'^2], sigma_b^2 = q - sigma_w^2 E[phi^2] over q, where sigma_b^2 is not negative
// and lengths from 1 come to q. A piece that comes from below begins at sigma_b^2 = 0.
Pieces line_of(double chi_1, const std::vector<AtLength>& lengths) {
  Pieces pieces;
  PhasePoint before{0, -1, 0};
  bool open = false;
  for (std::size_t k = 0; k < lengths.size(); ++k) {
    const AtLength& at = lengths[k];
    const double weight_variance = chi_1 / at.slope_square;
    const PhasePoint point{weight_variance, at.q - weight_variance * at.square, at.q};
    const bool is_net = point.bias_variance >= 0 && is_reached(lengths, point, k);
    if (is_net && !open) {
      pieces.emplace_back();
      if (before.bias_variance < 0 && before.weight_variance > 0) {
        const double share = before.bias_variance / (before.bias_variance - point.bias_variance);
        pieces.back().push_back(
            {before.weight_variance + share * (point.weight_variance - before.weight_variance), 0,
             at.q});
      }
    }
    if (is_net) pieces.back().push_back(point);
    open = is_net;
    before = point;
  }
  return pieces;
}

// E[phi'^2] at the fixed point that lengths from 1 come to, between the two lengths around it; at the
// shortest or longest length where there is none.
double reached_slope_square(const std::vector<AtLength>& lengths, double weight_variance,
                            double bias_variance) {
  const auto growth = [&](const AtLength& at) {
    return bias_variance + weight_variance * at.square - at.q;
  };
  const auto one =
      std::find_if(lengths.begin(), lengths.end(), [](const AtLength& at) { return at.q >= 1; });
  std::size_t k = static_cast<std::size_t>(one - lengths.begin());
  const bool grows = growth(lengths[k]) > 0;
  while (k > 0 && k + 1 < lengths.size()) {
    const std::size_t next = grows ? k + 1 : k - 1;
    const double here = growth(lengths[k]);
    const double there = growth(lengths[next]);
    if ((there > 0) != grows) {
      return std::lerp(lengths[k].slope_square, lengths[next].slope_square, here / (here - there));
    }
    k = next;
  }
  return lengths[k].slope_square;
}

constexpr int kWeightVariances = 241;
constexpr int kBiasVariances = 121;

// `slope_square` is a function of both variances.
template <class SlopeSquare>
PhaseDiagram::Plane plane_of(const PhaseDiagram& diagram, const SlopeSquare& slope_square) {
  PhaseDiagram::Plane plane;
  for (int k = 0; k < kWeightVariances; ++k) {
    plane.weight_variances.push_back(diagram.most_weight_variance * k / (kWeightVariances - 1));
  }
  for (int k = 0; k < kBiasVariances; ++k) {
    const double bias_variance = diagram.most_bias_variance * k / (kBiasVariances - 1);
    plane.bias_variances.push_back(bias_variance);
    std::vector<double>& row = plane.chi_1.emplace_back();
    for (const double weight_variance : plane.weight_variances) {
      row.push_back(weight_variance * slope_square(weight_variance, bias_variance));
    }
  }
  return plane;
}

// Where rising weight variances cross to chi_1 > 1 by a jump, as the fixed point that lengths come to is another
// one there or none: no point of the critical line lies between.
template <class SlopeSquare>
Pieces jumps_of(const PhaseDiagram::Plane& plane, const SlopeSquare& slope_square) {
  constexpr int kHalvings = 40;
  constexpr double kJump = 1e-3;
  Pieces pieces(1);
  for (std::size_t row = 0; row < plane.bias_variances.size(); ++row) {
    const double bias_variance = plane.bias_variances[row];
    const auto chi_1 = [&](double weight_variance) {
      return weight_variance * slope_square(weight_variance, bias_variance);
    };
    const std::vector<double>& all = plane.chi_1[row];
    std::size_t column = 1;
    while (column < all.size() && !(all[column - 1] < 1 && all[column] > 1)) ++column;
    bool jumps = false;
    if (column < all.size()) {
      double low = plane.weight_variances[column - 1];
      double high = plane.weight_variances[column];
      for (int halving = 0; halving < kHalvings; ++halving) {
        const double middle = (low + high) / 2;
        (chi_1(middle) < 1 ? low : high) = middle;
      }
      jumps = chi_1(high) - chi_1(low) > kJump;
      if (jumps) pieces.back().push_back({high, bias_variance, 0});
    }
    if (!jumps && !pieces.back().empty()) pieces.emplace_back();
  }
  if (pieces.back().empty()) pieces.pop_back();
  return pieces;
}

std::vector<double> scales() {
  std::vector<double> all = {kInfinity};
  for (const double layers : {3.0, 6.0, 12.0, 25.0, 100.0}) {
    all.push_back(layers);
    all.push_back(-layers);
  }
  return all;
}

// The folder that has the Python package beside what it needs; empty where there is none.
fs::path source_folder() {
  for (const fs::path& folder : {own_program().parent_path() / "../..", fs::current_path()}) {
    std::error_code unknown;
    if (fs::exists(folder / "scripts/plumbline_report/__main__.py", unknown)) {
      return folder.lexically_normal();
    }
  }
  return {};
}

ordered_json json_of(const Pieces& pieces) {
  ordered_json all = ordered_json::array();
  for (const std::vector<PhasePoint>& piece : pieces) {
    ordered_json points = ordered_json::array();
    for (const PhasePoint& point : piece) {
      points.push_back({point.weight_variance, point.bias_variance});
    }
    all.push_back(points);
  }
  return all;
}

ordered_json json_of(const PhaseDiagram& diagram) {
  ordered_json lines = ordered_json::array();
  for (const PhaseDiagram::Line& line : diagram.lines) {
    const ordered_json xi = std::isinf(line.xi) ? ordered_json("inf") : ordered_json(line.xi);
    lines.push_back({{"xi_grad", xi}, {"pieces", json_of(line.pieces)}});
  }
  return {{"schema", "plumbline.phase_diagram"},
          {"activation", diagram.activation},
          {"point", {diagram.weight_variance, diagram.bias_variance}},
          {"most", {diagram.most_weight_variance, diagram.most_bias_variance}},
          {"lines", lines},
          {"jumps", json_of(diagram.jumps)},
          {"plane",
           {{"weight_variances", diagram.plane.weight_variances},
            {"bias_variances", diagram.plane.bias_variances},
            {"chi_1", diagram.plane.chi_1}}}};
}

/// A file for another program to read, gone with this object.
class HandedOver {
 public:
  explicit HandedOver(const std::string& text)
      : path_(fs::temp_directory_path() / fmt::format("plumbline-theory-{}.json", ::getpid())) {
    std::ofstream file(path_, std::ios::binary | std::ios::trunc);
    file << text;
    if (!file.flush()) throw EnvironmentError(path_.string() + ": cannot write it");
  }
  HandedOver(const HandedOver&) = delete;
  HandedOver& operator=(const HandedOver&) = delete;
  ~HandedOver() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

PhaseDiagram phase_diagram(const Activation& activation, const std::string& name,
                           double weight_variance, double bias_variance) {
  constexpr double kRoom = 1.25;  // around the point
  PhaseDiagram diagram{name, weight_variance, bias_variance};
  diagram.most_bias_variance = std::fmax(0.3, kRoom * bias_variance);
  const auto critical = critical_weight_variance(activation, diagram.most_bias_variance);
  const auto without_biases = critical_weight_variance(activation, 0);
  diagram.most_weight_variance =
      std::fmax(kRoom * weight_variance, 1.6 * critical.value_or(without_biases.value_or(2.5)));
  const auto gain = length_gain(activation);
  const double slope_square = gain ? quick_moments(activation, 1).slope_square : 0;
  const std::vector<AtLength> at = gain ? std::vector<AtLength>() : lengths(activation);
  for (const double xi : scales()) {
    const double chi_1 = std::exp(-1 / xi);
    diagram.lines.push_back({xi, gain ? upright(chi_1 / slope_square, diagram.most_bias_variance)
                                      : line_of(chi_1, at)});
  }
  const auto reached = [&](double weights, double biases) {
    return gain ? slope_square : reached_slope_square(at, weights, biases);
  };
  diagram.plane = plane_of(diagram, reached);
  diagram.jumps = jumps_of(diagram.plane, reached);
  return diagram;
}

void require_figure(const fs::path& file) {
  if (file.extension() != ".png" && file.extension() != ".svg") {
    throw DefinitionError({{{"--plot", 0, 0}, "'" + file.string() + "' must end in .png or .svg"}});
  }
  const fs::path source = source_folder();
  if (source.empty()) {
    throw EnvironmentError(
        "--plot: the figure is drawn by scripts/plumbline_report of Plumbline's source folder, "
        "which is neither "
        "two folders above the program nor the working directory");
  }
  std::error_code unknown;
  if (!fs::exists(source / ".venv/bin/python", unknown)) {
    throw EnvironmentError(
        "--plot: " + (source / ".venv").string() +
        " is not there; scripts/setup makes it, and then the same command draws");
  }
}

void draw_phase_diagram(const PhaseDiagram& diagram, const fs::path& file) {
  const fs::path source = source_folder();
  const HandedOver data(json_of(diagram).dump());
  const fs::path env = find_program("env");
  if (env.empty()) throw EnvironmentError("env: is in no folder of $PATH");
  const ProgramResult result = call_program(
      env, {"PYTHONPATH=" + (source / "scripts").string(), (source / ".venv/bin/python").string(),
            "-m", "plumbline_report", "figure", "phase_diagram", data.path().string(), "-o",
            fs::path(file).replace_extension().string(), "--format",
            file.extension().string().substr(1)});
  if (result.status != 0) {
    throw EnvironmentError(fmt::format("{}: the figure was not drawn; python ended with status {}",
                                       file.string(), result.status));
  }
}

}  // namespace plumbline
