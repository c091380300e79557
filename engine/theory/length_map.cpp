// SPDX-License-Identifier: Apache-2.0
#include "engine/theory/length_map.hpp"

#include <cmath>
#include <limits>

#include "engine/theory/unit_functions.hpp"

namespace plumbline {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kShortest = 1e-12;  // without biases, lengths below are on their way to 0
constexpr double kLongest = 1e4;     // what the quadrature is good for
constexpr double kRounding = 1e-12;  // of the quadrature, in how a length changes

// Of an activation that scales, V(q) = sigma_b^2 + growth q.
double scaling_fixed_point(double growth, double bias_variance, double q) {
  if (std::abs(growth - 1) <= kRounding) return bias_variance == 0 ? q : kInfinity;
  return growth < 1 ? bias_variance / (1 - growth) : kInfinity;
}

// V(q) - q with the sign of its change, 0 where that is rounding.
template <class Map>
double change(const Map& map, double q) {
  const double difference = map(q) - q;
  return std::abs(difference) <= 1e-15 * q ? 0 : difference;
}

template <class Map>
double bisected(const Map& map, double low, double high, bool grows_at_low) {
  for (double q = 0.5 * (low + high); low < q && q < high; q = 0.5 * (low + high)) {
    const double at_q = change(map, q);
    if (at_q == 0) return q;
    ((at_q > 0) == grows_at_low ? low : high) = q;
  }
  return low;
}

// From a q that changes slowly: the next q in the direction of change where the sign turns. Steps
// begin short, as that may be near, and grow to a quarter.
template <class Map>
double next_turn(const Map& map, double q, double shortest) {
  const bool grows = change(map, q) > 0;
  for (double step = 1e-4; q >= shortest && q <= kLongest; step = std::fmin(1.2 * step, 0.25)) {
    const double next = grows ? q * (1 + step) : q / (1 + step);
    const double at_next = change(map, next);
    if (at_next == 0) return next;
    if ((at_next > 0) != grows) {
      return grows ? bisected(map, q, next, true) : bisected(map, next, q, true);
    }
    q = next;
  }
  if (q < shortest) return 0;
  constexpr double kFar = 1e6;
  return map(kFar) >= kFar * (1 - kRounding) ? kInfinity : kNaN;
}

}  // namespace

double length_map(const Activation& activation, double weight_variance, double bias_variance,
                  double q) {
  return bias_variance + weight_variance * quick_mean_square(activation, q);
}

double length_map_slope(const Activation& activation, double weight_variance, double q) {
  if (const auto gain = length_gain(activation)) return weight_variance * *gain;
  constexpr double kZero = 1e-24;
  if (q < kZero) q = kZero;
  const std::vector<UnitFunction> outputs = unit_functions(activation);
  double sum = 0;
  for (const UnitFunction& phi : outputs) {
    sum += phi.mean(q, [&](double u) { return u * phi.value(u) * phi.slope(u); });
  }
  return outputs.empty() ? kNaN : weight_variance * sum / (q * static_cast<double>(outputs.size()));
}

double length_fixed_point(const Activation& activation, double weight_variance,
                          double bias_variance, double q) {
  if (const auto gain = length_gain(activation)) {
    return scaling_fixed_point(weight_variance * *gain, bias_variance, q);
  }
  const auto map = [&](double length) {
    return length_map(activation, weight_variance, bias_variance, length);
  };
  constexpr double kSettled = 1e-14;
  constexpr int kLayers =
      100;  // more are for lengths that change so slowly that they keep a direction
  const double shortest = bias_variance > 0 ? 0 : kShortest;
  for (int layer = 0; layer < kLayers && shortest <= q && q <= kLongest; ++layer) {
    const double next = map(q);
    if (std::abs(next - q) <= kSettled * next) return next;
    q = next;
  }
  return next_turn(map, q, shortest);
}

}  // namespace plumbline
