// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace plumbline {

struct GaussLegendreNode {
  double position = 0;
  double weight = 0;
};

/// The rule of n points for integrals over [-1, 1]: roots of the Legendre polynomial P_n by Newton's
/// method from Tricomi's estimate, weights 2 / ((1 - x^2) P_n'(x)^2).
template <std::size_t n>
std::array<GaussLegendreNode, n> gauss_legendre() {
  std::array<GaussLegendreNode, n> nodes;
  for (std::size_t i = 0; i < n; ++i) {
    double x = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (n + 0.5));
    double slope = 0;
    for (int iteration = 0; iteration < 20; ++iteration) {
      double before = 1;
      double p = x;
      for (std::size_t k = 2; k <= n; ++k) {
        const auto order = static_cast<double>(k);
        const double next = ((2 * order - 1) * x * p - (order - 1) * before) / order;
        before = p;
        p = next;
      }
      slope = n * (x * p - before) / (x * x - 1);
      x -= p / slope;
    }
    nodes[i] = {x, 2 / ((1 - x * x) * slope * slope)};
  }
  return nodes;
}

}  // namespace plumbline
