// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "engine/core/catalogue.hpp"
#include "engine/core/parameters.hpp"
#include "engine/kernels/elementwise.hpp"

namespace plumbline {

/// Where a training run stands when an optimizer takes a step.
struct StepContext {
  std::int64_t step = 1;       ///< t of the papers: 1 at the first update
  double schedule_factor = 1;  ///< what the schedule multiplies the learning rate by
};

/// An update rule. Called once a training step for all parameters: the two blocks hold every tensor
/// of the net in the order of the layout that the optimizer was made for.
template <typename T>
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  virtual void step(std::span<T> parameters, std::span<const T> gradient,
                    const StepContext& context) = 0;
  /// The number of values that the optimizer keeps for itself.
  virtual std::size_t state_size() const = 0;
};

struct OptimizerEntry {
  PluginInfo info;
  std::unique_ptr<Optimizer<float>> (*make_float)(Settings&, const ParameterLayout&) = nullptr;
  std::unique_ptr<Optimizer<double>> (*make_double)(Settings&, const ParameterLayout&) = nullptr;

  template <typename T>
  std::unique_ptr<Optimizer<T>> make(Settings& settings, const ParameterLayout& layout) const {
    if constexpr (std::is_same_v<T, float>) {
      return make_float(settings, layout);
    } else {
      return make_double(settings, layout);
    }
  }
};

const Catalogue<OptimizerEntry>& optimizer_catalogue();

/// The entry of `Kind<T>`, whose constructor takes (Settings&, const ParameterLayout&).
template <template <typename> class Kind>
OptimizerEntry optimizer_entry(PluginInfo info) {
  info.settings =
      declared_settings([](Settings& settings) { Kind<double> kind(settings, ParameterLayout()); });
  return {
      std::move(info),
      [](Settings& settings, const ParameterLayout& layout) -> std::unique_ptr<Optimizer<float>> {
        return std::make_unique<Kind<float>>(settings, layout);
      },
      [](Settings& settings, const ParameterLayout& layout) -> std::unique_ptr<Optimizer<double>> {
        return std::make_unique<Kind<double>>(settings, layout);
      }};
}

}  // namespace plumbline
