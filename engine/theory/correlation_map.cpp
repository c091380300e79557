// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/correlation_map.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include "engine/theory/normal_panels.hpp"

namespace plumbline {

namespace {

using normal_panels::for_each_node;
using normal_panels::kPanelOfPhi;
using normal_panels::kWidestPanel;
using normal_panels::set_ends;

// F(z) = E_x[phi(common z + own x)], and the same of phi'.
template <std::size_t points>
class MeanOverOwnPart {
 public:
  MeanOverOwnPart(const UnitFunction& phi, double common, double own)
      : phi_(&phi), common_(common), own_(own) {}

  PairMeans operator()(double z) {
    const double centre = common_ * z;
    if (own_ == 0) return {phi_->value(centre), phi_->slope(centre)};
    kinks_.clear();
    for (const double kink : phi_->kinks) kinks_.push_back((kink - centre) / own_);
    set_ends(ends_, kPanelOfPhi * phi_->scale / own_, kinks_);
    PairMeans means;
    for_each_node<points>(ends_, [&](double x, double weight) {
      const double u = centre + own_ * x;
      means.product += weight * phi_->value(u);
      means.slope_product += weight * phi_->slope(u);
    });
    return means;
  }

 private:
  const UnitFunction* phi_;
  double common_;
  double own_;
  std::vector<double> kinks_;
  std::vector<double> ends_;
};

template <std::size_t points>
PairMeans pair_means_of_points(const UnitFunction& phi, double q, double c) {
  const double common = std::sqrt(q * std::abs(c));
  const double own = std::sqrt(q * (1 - std::abs(c)));
  std::vector<double> breaks;
  for (const double kink : phi.kinks) {
    if (common == 0) break;
    const double at = kink / common;
    const double width = own / common;  // over which F rounds the kink off
    breaks.push_back(at);
    for (double reach = width; reach > 0 && reach < kWidestPanel; reach *= 1.5) {
      breaks.push_back(at - reach);
      breaks.push_back(at + reach);
    }
  }
  std::vector<double> ends;
  set_ends(ends, common == 0 ? kWidestPanel : kPanelOfPhi * phi.scale / common, breaks);
  MeanOverOwnPart<points> mean(phi, common, own);
  PairMeans means;
  for_each_node<points>(ends, [&](double z, double weight) {
    const PairMeans one = mean(z);
    const PairMeans other = c < 0 ? mean(-z) : one;
    means.product += weight * one.product * other.product;
    means.slope_product += weight * one.slope_product * other.slope_product;
  });
  return means;
}

PairMeans rectifier_means(const Rectifier& phi, double q, double c) {
  using std::numbers::pi;
  const double squares = phi.positive * phi.positive + phi.negative * phi.negative;
  const double product = phi.positive * phi.negative;
  const double root = std::sqrt((1 - c) * (1 + c));
  const double same = 1 - std::acos(c) / pi;
  const auto j = [&](double share, double at) { return root / pi + share * at; };
  return {q / 2 * (squares * j(same, c) - 2 * product * j(1 - same, -c)),
          0.5 * (squares * same + 2 * product * (1 - same))};
}

// One step of Newton's method for c = map(c), kept in [0, 1].
template <std::size_t points>
double improved(const UnitFunction& phi, double weight_variance, double bias_variance, double q,
                double c) {
  const PairMeans means = pair_means_of_points<points>(phi, q, c);
  const double change = correlation_map(means, weight_variance, bias_variance, q) - c;
  return std::clamp(c + change / (1 - weight_variance * means.slope_product), 0.0, 1.0);
}

}  // namespace

PairMeans pair_means_by_quadrature(const UnitFunction& phi, double q, double c) {
  return pair_means_of_points<16>(phi, q, c);
}

std::optional<PairMeans> pair_means(const Activation& activation, double q, double c) {
  const std::vector<UnitFunction> outputs = unit_functions(activation);
  if (outputs.empty()) return std::nullopt;
  PairMeans means;
  for (const UnitFunction& phi : outputs) {
    const auto slopes = rectifier(phi);
    const PairMeans of_output =
        slopes ? rectifier_means(*slopes, q, c) : pair_means_by_quadrature(phi, q, c);
    means.product += of_output.product / static_cast<double>(outputs.size());
    means.slope_product += of_output.slope_product / static_cast<double>(outputs.size());
  }
  return means;
}

double correlation_map(const PairMeans& means, double weight_variance, double bias_variance,
                       double q) {
  return (weight_variance * means.product + bias_variance) / q;
}

// From 0 Newton's method on a convex function comes up to the lower root and never beyond it. A coarse
// rule comes near it, then the fine one.
double correlation_fixed_point(const UnitFunction& phi, double weight_variance,
                               double bias_variance, double q) {
  constexpr double kNear = 1e-5;
  constexpr double kSettled = 1e-14;
  constexpr int kMostSteps = 60;
  double c = 0;
  for (int step = 0; step < kMostSteps; ++step) {
    const double next = improved<5>(phi, weight_variance, bias_variance, q, c);
    const double moved = std::abs(next - c);
    c = next;
    if (moved < kNear) break;
  }
  for (int step = 0; step < 4; ++step) {
    const double next = improved<16>(phi, weight_variance, bias_variance, q, c);
    const double moved = std::abs(next - c);
    c = next;
    if (moved < kSettled) break;
  }
  return c;
}

}  // namespace plumbline
