// SPDX-License-Identifier: Apache-2.0
// Optimizers by their names, and gradients to drive them with.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
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

/// An optimizer with the parameters that it moves, all in one tensor.
class Driven {
 public:
  Driven(const char* name, const SettingsTable& settings, std::vector<double> start)
      : w(std::move(start)), rule_(optimizer_for(one_tensor(1, w.size()), name, settings)) {}

  void step(const std::vector<double>& gradient, double schedule_factor = 1) {
    rule_->step(
        w, gradient,
        {.step = ++t_, .schedule_factor = schedule_factor, .steps = 0, .objective = nullptr});
  }
  std::vector<double> evaluated() const {
    const auto point = rule_->evaluation_point(w);
    return {point.begin(), point.end()};
  }

  std::vector<double> w;

 private:
  std::int64_t t_ = 0;
  std::unique_ptr<Optimizer<double>> rule_;
};

/// The one parameter, from zero on, after each of the gradients.
inline std::vector<double> path(const char* name, const SettingsTable& settings,
                                const std::vector<double>& gradients) {
  Driven driven(name, settings, {0});
  std::vector<double> result;
  for (const double g : gradients) {
    driven.step({g});
    result.push_back(driven.w[0]);
  }
  return result;
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
  std::vector<std::vector<double>> states;
  for (int t = 1; t <= steps; ++t) {
    std::vector<double> gradient = random_block(n, static_cast<std::uint32_t>(t));
    for (double& g : gradient) g *= scale;
    optimizer.step(parameters, gradient,
                   {.step = t, .schedule_factor = 1, .steps = steps, .objective = nullptr});
    states.push_back(parameters);
  }
  return states;
}

}  // namespace plumbline
