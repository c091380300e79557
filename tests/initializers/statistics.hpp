// SPDX-License-Identifier: Apache-2.0
// Drawing from an initializer, and the moments of what it drew.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/initializers/initializer.hpp"

namespace plumbline {

/// Weights of fan_out rows and fan_in columns, and biases, as layer 1 of this seed starts.
struct Drawn {
  std::vector<double> weights;
  std::vector<double> biases;
};

inline Drawn drawn(const Initializer& initializer, std::size_t fan_out, std::size_t fan_in,
                   std::int64_t seed) {
  Random random(seed, RandomStream::init, 1);
  Drawn result{std::vector<double>(fan_out * fan_in, -99), std::vector<double>(fan_out, -99)};
  const ParameterTensor weight{"layer_1.weight", 1, ParameterGroup::hidden, fan_out, fan_in, 0};
  const ParameterTensor bias{"layer_1.bias", 1, ParameterGroup::bias, fan_out, 1, 0};
  initializer.fill_weights(weight, {result.weights.data(), fan_out, fan_in, fan_in}, random);
  initializer.fill_bias(bias, result.biases, random);
  return result;
}

inline double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// The mean of (value - center)^power.
inline double central_moment(std::span<const double> values, double center, int power) {
  double sum = 0;
  for (const double value : values) sum += std::pow(value - center, power);
  return sum / static_cast<double>(values.size());
}

}  // namespace plumbline
