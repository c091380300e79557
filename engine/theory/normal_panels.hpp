// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include "engine/core/gauss_legendre.hpp"

namespace plumbline {

/// Panels for means over z ~ N(0, 1) of functions of sqrt(q) z that vary over distances of 1 or more, with
/// the fewest nodes that give 1e-12: core/normal_mean.hpp is finer, and slower for long q.
namespace normal_panels {

inline constexpr double kReach = 9;        // of z, beyond which there is 2e-19
inline constexpr double kWidestPanel = 2;  // in z: 16 points err there by 1e-15 for the density
inline constexpr double kPanelOfPhi =
    1.5;  // in u: by 3^-32 for a pole at i, which arctan's slope has

/// Fills `ends` with the ends of panels over [-kReach, kReach], no wider than `widest`, one at each of
/// `breaks`.
inline void set_ends(std::vector<double>& ends, double widest, const std::vector<double>& breaks) {
  ends.clear();
  const double panels = std::ceil(2 * kReach / std::min(widest, kWidestPanel));
  for (double panel = 0; panel <= panels; ++panel) {
    ends.push_back(kReach * (2 * panel / panels - 1));
  }
  for (const double at : breaks) {
    if (std::abs(at) < kReach) ends.push_back(at);
  }
  std::ranges::sort(ends);
}

/// Calls visit(z, weight) for each node of so many points a panel; the weights have the normal density.
template <std::size_t points, class Visit>
void for_each_node(const std::vector<double>& ends, const Visit& visit) {
  static const auto kNodes = gauss_legendre<points>();
  for (std::size_t panel = 0; panel + 1 < ends.size(); ++panel) {
    const double half = 0.5 * (ends[panel + 1] - ends[panel]);
    if (half <= 0) continue;
    for (const GaussLegendreNode& node : kNodes) {
      const double z = ends[panel] + half * (node.position + 1);
      const double density =
          std::exp(-0.5 * z * z) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
      visit(z, half * node.weight * density);
    }
  }
}

}  // namespace normal_panels
}  // namespace plumbline
