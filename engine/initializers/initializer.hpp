// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "engine/core/catalogue.hpp"
#include "engine/core/matrix_view.hpp"
#include "engine/core/random.hpp"

namespace plumbline {

/// How the parameters of one weight layer start. Values are drawn in double and rounded to the run's
/// precision, so float32 and float64 runs of one seed start at the same point.
class Initializer {
 public:
  virtual ~Initializer() = default;

  /// Fills an outputs x inputs weight matrix (fan_out x fan_in).
  virtual void fill_weights(MatrixView<double> weights, Random& random) const = 0;
  /// Fills the biases of one layer; zeros unless an initializer says otherwise.
  virtual void fill_bias(std::span<double> bias, Random& random) const;

  /// The moments of a parameter, as mean-field theory needs them.
  virtual double weight_variance(std::size_t fan_in, std::size_t fan_out) const = 0;
  virtual double weight_mean() const { return 0; }
  /// Whether the weights of a matrix are independent of each other, as the theory of finite widths
  /// takes them to be.
  virtual bool independent_weights() const { return true; }
  virtual double bias_variance() const { return 0; }
};

struct InitializerEntry {
  PluginInfo info;
  std::shared_ptr<const Initializer> (*make)(Settings&) = nullptr;
};

const Catalogue<InitializerEntry>& initializer_catalogue();

template <class Kind>
InitializerEntry initializer_entry(PluginInfo info) {
  info.settings = declared_settings([](Settings& settings) { Kind kind(settings); });
  return {std::move(info), [](Settings& settings) -> std::shared_ptr<const Initializer> {
            return std::make_shared<Kind>(settings);
          }};
}

}  // namespace plumbline
