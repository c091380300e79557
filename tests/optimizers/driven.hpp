// SPDX-License-Identifier: Apache-2.0
// An optimizer by its name, and random gradients to drive it with.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/core/random.hpp"
#include "engine/optimizers/optimizer.hpp"
#include "tests/plugins.hpp"

namespace plumbline {

template <typename T = double>
std::unique_ptr<Optimizer<T>> optimizer_for(const ParameterLayout& layout, const std::string& name,
                                            const SettingsTable& settings = {}) {
  const OptimizerEntry* entry = optimizer_catalogue().find(name);
  if (entry == nullptr) throw std::logic_error("no optimizer " + name);
  return read_with(settings,
                   [&](Settings& reader) { return entry->template make<T>(reader, layout); });
}

/// A matrix of each group and a bias, none of which has as many values as another.
inline ParameterLayout four_tensors() {
  ParameterLayout layout;
  layout.add("layer_1.weight", 1, ParameterGroup::input, 3, 5);
  layout.add("layer_1.bias", 1, ParameterGroup::bias, 3, 1);
  layout.add("layer_2.weight", 2, ParameterGroup::hidden, 4, 3);
  layout.add("layer_3.weight", 3, ParameterGroup::output, 2, 4);
  return layout;
}

/// One tensor of this shape.
inline ParameterLayout one_tensor(std::size_t rows, std::size_t cols,
                                  ParameterGroup group = ParameterGroup::hidden) {
  ParameterLayout layout;
  layout.add("w", 1, group, rows, cols);
  return layout;
}

/// Standard normal values.
inline std::vector<double> random_block(std::size_t n, std::uint32_t part) {
  Random random(11, RandomStream::noise, part);
  std::vector<double> block(n);
  for (double& value : block) value = random.normal();
  return block;
}

/// The parameters after each of `steps` steps from random_block(n, 0), by gradients
/// scale * random_block(n, 1), random_block(n, 2), ...
inline std::vector<std::vector<double>> driven(Optimizer<double>& optimizer, std::size_t n,
                                               int steps, double scale = 1) {
  std::vector<double> parameters = random_block(n, 0);
  std::vector<std::vector<double>> path;
  for (int t = 1; t <= steps; ++t) {
    std::vector<double> gradient = random_block(n, static_cast<std::uint32_t>(t));
    for (double& g : gradient) g *= scale;
    optimizer.step(parameters, gradient,
                   {.step = t, .schedule_factor = 1, .steps = steps, .objective = nullptr});
    path.push_back(parameters);
  }
  return path;
}

}  // namespace plumbline
