// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/mean_field.hpp"

#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "engine/theory/correlation_map.hpp"
#include "engine/theory/length_map.hpp"
#include "engine/theory/unit_functions.hpp"

namespace plumbline {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kRounding = 1e-12;  // of the quadrature, in chi_1

/// chi_1 and the correlation map of lengths that go to 0 or to infinity, where an activation is as good as
/// straight on both sides of 0.
class StraightLimit {
 public:
  static constexpr double kStraight = 1e-9;  // elu bends by 1e-12 where it is 1e-12

  StraightLimit(const Activation& activation, double distance)
      : outputs_(unit_functions(activation)) {
    for (const UnitFunction& phi : outputs_) {
      const Rectifier slopes{phi.slope(distance), phi.slope(-distance)};
      const Rectifier nearer{phi.slope(distance / 10), phi.slope(-distance / 10)};
      const double share = 0.5 / static_cast<double>(outputs_.size());
      for (const auto& [slope, before] : {std::pair(slopes.positive, nearer.positive),
                                          std::pair(slopes.negative, nearer.negative)}) {
        slope_square_ += share * slope * slope;
        const bool grows = std::abs(slope) > 2 * std::abs(before);
        inner_square_ += grows ? 0 : share * slope * slope;
        grows_ = grows_ || grows;
      }
      // Two outputs of slope on one side each, as crelu has, are no linear unit.
      linear_ = linear_ && std::abs(slopes.positive - slopes.negative) <= kStraight;
    }
  }

  bool is_linear() const { return linear_; }
  /// E[phi'^2]; where slopes grow with the length infinite outwards, and none of it left inwards.
  double slope_square(bool outwards) const {
    if (!outwards) return inner_square_;
    return grows_ ? kInfinity : slope_square_;
  }

 private:
  std::vector<UnitFunction> outputs_;
  double slope_square_ = 0;
  double inner_square_ = 0;
  bool linear_ = true;
  bool grows_ = false;
};

void leave_out(MeanFieldPoint& point, double& quantity, const char* name, const char* because) {
  quantity = kNaN;
  point.undefined.push_back({name, because});
}

// Lengths of an activation that scales: c_{l+1} is a function of c_l alone where there are no biases or
// where they do not count beside lengths that grow.
void set_correlation_of_directions(MeanFieldPoint& point, bool is_linear, double slope_at_one) {
  if (is_linear) {
    leave_out(point, point.c_star, "c_star", "a linear net keeps every correlation");
    point.chi_c = 1;
    return;
  }
  point.c_star = 1;
  point.chi_c = slope_at_one;
}

void set_correlation_without_map(MeanFieldPoint& point, const char* because) {
  leave_out(point, point.c_star, "c_star", because);
  leave_out(point, point.chi_c, "chi_c", because);
}

// relu, leaky_relu, prelu, crelu, maxout, linear.
void set_scaling(MeanFieldPoint& point, const Activation& activation, double gain,
                 double weight_variance, double bias_variance) {
  const GaussianMoments moments = quick_moments(activation, 1);
  const double growth = weight_variance * gain;
  const bool is_critical = std::abs(growth - 1) <= kRounding;
  point.chi_1 = weight_variance * moments.slope_square;
  if (is_critical && bias_variance == 0) {
    leave_out(point, point.q_star, "q_star", "every length stays as it is");
  }
  if (growth < 1 - kRounding && bias_variance > 0) {
    point.c_star = 1;
    point.chi_c = point.chi_1;
  } else {
    const std::vector<UnitFunction> outputs = unit_functions(activation);
    bool is_linear = !outputs.empty();
    for (const UnitFunction& phi : outputs) is_linear = is_linear && phi.slope(1) == phi.slope(-1);
    set_correlation_of_directions(point, is_linear, moments.slope_square / gain);
  }
  if (growth > 1 + kRounding) {
    leave_out(point, point.xi_q, "xi_q", "lengths grow without bound");
  } else {
    point.xi_q = depth_scale(growth);
  }
}

void set_vanishing(MeanFieldPoint& point, const Activation& activation, double weight_variance) {
  constexpr double kShort = 1e-12;
  const StraightLimit limit(activation, kShort);
  point.chi_1 = weight_variance * limit.slope_square(false);
  point.xi_q = depth_scale(length_map_slope(activation, weight_variance, 0));
  if (limit.is_linear()) {
    set_correlation_without_map(
        point, "lengths go to 0, where the activation is linear and keeps every correlation");
  } else {
    set_correlation_of_directions(point, false, 1);
  }
}

void set_growing(MeanFieldPoint& point, const Activation& activation, double weight_variance) {
  constexpr double kLong = 1e9;
  const StraightLimit limit(activation, kLong);
  point.chi_1 = weight_variance * limit.slope_square(true);
  leave_out(point, point.xi_q, "xi_q", "lengths grow without bound");
  if (std::isinf(point.chi_1)) {
    set_correlation_without_map(point, "lengths and slopes grow without bound");
  } else {
    set_correlation_of_directions(point, limit.is_linear(), 1);
  }
}

void set_settled(MeanFieldPoint& point, const Activation& activation, double weight_variance,
                 double bias_variance) {
  point.chi_1 = weight_variance * quick_moments(activation, point.q_star).slope_square;
  point.xi_q = depth_scale(length_map_slope(activation, weight_variance, point.q_star));
  point.c_star = 1;
  point.chi_c = point.chi_1;
  if (point.chi_1 <= 1 + kRounding) return;
  const std::vector<UnitFunction> outputs = unit_functions(activation);
  if (outputs.size() != 1) {
    set_correlation_without_map(point, "outputs do not stand for one unit each");
    return;
  }
  point.c_star = correlation_fixed_point(outputs[0], weight_variance, bias_variance, point.q_star);
  point.chi_c = weight_variance *
                pair_means_by_quadrature(outputs[0], point.q_star, point.c_star).slope_product;
}

}  // namespace

double depth_scale(double slope) {
  const double size = std::abs(slope);
  if (std::abs(size - 1) <= kRounding) return kInfinity;
  return size == 0 || std::isinf(size) ? 0 : -1 / std::log(size);
}

SignalPhase phase_of(double chi_1) {
  constexpr double kNoNetIsSoDeep = 1e-6;
  if (std::abs(chi_1 - 1) <= kNoNetIsSoDeep) return SignalPhase::critical;
  return chi_1 < 1 ? SignalPhase::ordered : SignalPhase::chaotic;
}

MeanFieldPoint mean_field_point(const Activation& activation, double weight_variance,
                                double bias_variance) {
  MeanFieldPoint point;
  point.q_star = length_fixed_point(activation, weight_variance, bias_variance);
  if (const auto gain = length_gain(activation)) {
    set_scaling(point, activation, *gain, weight_variance, bias_variance);
  } else if (std::isnan(point.q_star)) {
    constexpr const char* kBeyond = "q* is beyond 10^4, for which the quadrature is not made";
    leave_out(point, point.q_star, "q_star", kBeyond);
    leave_out(point, point.chi_1, "chi_1", kBeyond);
    leave_out(point, point.xi_q, "xi_q", kBeyond);
    set_correlation_without_map(point, kBeyond);
  } else if (point.q_star == 0) {
    set_vanishing(point, activation, weight_variance);
  } else if (std::isinf(point.q_star)) {
    set_growing(point, activation, weight_variance);
  } else {
    set_settled(point, activation, weight_variance, bias_variance);
  }
  point.norm_factor = std::sqrt(point.chi_1);
  point.xi_grad = depth_scale(point.chi_1);
  // At chi_c of NaN the logarithm is NaN as well; the reason is the same.
  point.xi_c = depth_scale(point.chi_c);
  const std::vector<Undefined> found = point.undefined;
  for (const Undefined& gap : found) {
    if (gap.quantity == "chi_c") point.undefined.push_back({"xi_c", gap.because});
    if (gap.quantity == "chi_1") {
      point.undefined.push_back({"xi_grad", gap.because});
      point.undefined.push_back({"norm_factor", gap.because});
    }
  }
  return point;
}

}  // namespace plumbline
