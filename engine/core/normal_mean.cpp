// SPDX-License-Identifier: Apache-2.0
#include "engine/core/normal_mean.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>

#include "engine/core/gauss_legendre.hpp"

namespace plumbline {

// 16 points of Gauss-Legendre in each panel from z = -10 to 10, whose tails hold 1.5e-23. A panel is at
// most 1/2 wide in z and in h = sqrt(q) z, as functions vary on the scale of 1; one ends at 0 and at
// each kink.
double normal_mean(double q, const std::function<double(double)>& function,
                   const std::vector<double>& kinks) {
  static const std::array<GaussLegendreNode, 16> kNodes = gauss_legendre<16>();
  constexpr int kReach = 10;
  if (!std::isfinite(q)) return std::numeric_limits<double>::quiet_NaN();
  const double deviation = std::sqrt(q);
  constexpr double kFinest = 100;  // at most 400 panels: a bound on the time
  const int panels_per_unit = 2 * static_cast<int>(std::ceil(std::clamp(deviation, 1.0, kFinest)));
  std::vector<double> ends;
  for (int panel = -kReach * panels_per_unit; panel <= kReach * panels_per_unit; ++panel) {
    ends.push_back(static_cast<double>(panel) / panels_per_unit);
  }
  for (const double kink : kinks) {
    const double z = kink / deviation;
    if (kink != 0 && std::abs(z) < kReach) ends.push_back(z);
  }
  std::ranges::sort(ends);
  double sum = 0;
  for (std::size_t panel = 0; panel + 1 < ends.size(); ++panel) {
    const double width = ends[panel + 1] - ends[panel];
    for (const GaussLegendreNode& node : kNodes) {
      const double z = ends[panel] + width * 0.5 * (node.position + 1);
      const double density =
          std::exp(-0.5 * z * z) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
      sum += 0.5 * width * node.weight * density * function(deviation * z);
    }
  }
  return sum;
}

}  // namespace plumbline
