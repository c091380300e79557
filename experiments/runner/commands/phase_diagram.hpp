// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/activations/activation.hpp"
#include "engine/theory/edge_of_chaos.hpp"

namespace plumbline {

/// The plane of weight and bias variance with lines of equal depth scale.
struct PhaseDiagram {
  /// Where xi_grad has one value: infinite on the critical line, negative on the chaotic side. A line falls
  /// into pieces where lengths from 1 do not come to its fixed points.
  struct Line {
    double xi = 0;
    std::vector<std::vector<PhasePoint>> pieces = {};
  };

  std::string activation;
  double weight_variance = 0;  ///< the point that was asked for
  double bias_variance = 0;
  double most_weight_variance = 0;  ///< what the figure shows, from 0 on
  double most_bias_variance = 0;
  std::vector<Line> lines = {};
  /// Where chi_1 jumps from below 1 to above it, as lengths that settled go to another fixed point or to none.
  std::vector<std::vector<PhasePoint>> jumps = {};

  /// chi_1 at the lengths that come from 1, over a grid of the plane: below 1 order, above it chaos.
  struct Plane {
    std::vector<double> weight_variances = {};
    std::vector<double> bias_variances = {};
    std::vector<std::vector<double>> chi_1 = {};  ///< a row a bias variance
  };
  Plane plane = {};
};

/// Each line is one formula over q (engine/theory/edge_of_chaos.hpp), so no fixed point is searched; those of
/// the plane are looked up among lengths between 1e-5 and 1e3, which stand for shorter and longer ones.
PhaseDiagram phase_diagram(const Activation& activation, const std::string& name,
                           double weight_variance, double bias_variance);

/// Throws DefinitionError where `file` ends in neither .png nor .svg, EnvironmentError with what to do where
/// the Python package that draws, or what it needs, is not there.
void require_figure(const std::filesystem::path& file);

/// Lets the Python package draw the diagram into `file`. Throws EnvironmentError.
void draw_phase_diagram(const PhaseDiagram& diagram, const std::filesystem::path& file);

}  // namespace plumbline
