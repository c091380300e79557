// SPDX-License-Identifier: Apache-2.0
// An optimizer of the catalogue and the parameters that it moves, all in one tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "engine/optimizers/optimizer.hpp"
#include "tests/plugins.hpp"

namespace plumbline {

class Driven {
 public:
  Driven(const char* name, const SettingsTable& settings, std::vector<double> start)
      : w(std::move(start)) {
    ParameterLayout layout;
    layout.add("w", 1, ParameterGroup::hidden, 1, w.size());
    rule_ = read_with(settings, [&](Settings& reader) {
      return optimizer_catalogue().find(name)->make_double(reader, layout);
    });
  }

  void step(const std::vector<double>& gradient, double schedule_factor = 1) {
    rule_->step(w, gradient, {++t_, schedule_factor});
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

}  // namespace plumbline
