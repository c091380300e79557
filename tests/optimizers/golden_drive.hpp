// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/optimizers/optimizer.hpp"
#include "tests/optimizers/golden.hpp"
#include "tests/optimizers/golden_objective.hpp"

namespace plumbline {

/// What a golden case hands an optimizer at each step: listed gradients, or those of an objective.
template <typename T>
class GoldenDrive {
 public:
  GoldenDrive(const Golden& golden, const GoldenCase& one, const ParameterLayout& layout)
      : golden_(golden), factors_(one.schedule_factors) {
    if (!one.objective.is_null()) {
      objective_ = std::make_unique<GoldenObjective<T>>(one.objective, layout);
    }
  }

  void step(Optimizer<T>& optimizer, std::vector<T>& parameters, std::size_t index) const {
    std::vector<T> gradient(parameters.size());
    if (objective_ != nullptr) {
      objective_->gradient(parameters, gradient);
    } else {
      std::ranges::transform(golden_.gradients[index], gradient.begin(),
                             [](double g) { return static_cast<T>(g); });
    }
    optimizer.step(parameters, gradient,
                   {static_cast<std::int64_t>(index + 1), factors_[index],
                    static_cast<std::int64_t>(factors_.size()), objective_.get()});
  }

 private:
  const Golden& golden_;
  std::vector<double> factors_;
  std::unique_ptr<Objective<T>> objective_;
};

}  // namespace plumbline
