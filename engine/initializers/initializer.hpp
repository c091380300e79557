// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "engine/activations/activation.hpp"
#include "engine/core/catalogue.hpp"
#include "engine/core/matrix_view.hpp"
#include "engine/core/parameters.hpp"
#include "engine/core/random.hpp"

namespace plumbline {

/// How the parameters of one weight layer start. Values are drawn in double and rounded to the run's
/// precision, so float32 and float64 runs of one seed start at the same point.
class Initializer {
 public:
  virtual ~Initializer() = default;

  /// Fills a weight matrix, fan_out x fan_in, the values of `tensor`.
  virtual void fill_weights(const ParameterTensor& tensor, MatrixView<double> weights,
                            Random& random) const = 0;
  /// Fills the biases of one layer: normal of bias_variance() unless an initializer says otherwise.
  virtual void fill_bias(const ParameterTensor& tensor, std::span<double> bias,
                         Random& random) const;
  /// Whether it has values of its own, which fill_weights() or fill_bias() give, for a tensor that
  /// would start from a constant or from the model's recurrent initializer.
  virtual bool has_values_of(const ParameterTensor& /*tensor*/) const { return false; }
  /// Why this cannot fill a net of these tensors, as the rest of a sentence about it; empty where it
  /// can, as the fill functions require.
  virtual std::string problem(const ParameterLayout& /*layout*/) const { return {}; }
  /// The setting that such a problem is about; empty: the choice of this initializer.
  virtual std::string problem_setting() const { return {}; }

  /// The moments of a parameter, as mean-field theory needs them; no variance where the weights are
  /// not random, or their variance depends on data.
  virtual std::optional<double> weight_variance(std::size_t fan_in, std::size_t fan_out) const = 0;
  virtual double weight_mean() const { return 0; }
  /// Whether the weights of a matrix are independent of each other, as the theory of finite widths
  /// takes them to be.
  virtual bool independent_weights() const { return true; }
  virtual double bias_variance() const { return 0; }

  /// Whether weight_factor() is asked for.
  virtual bool looks_at_data() const { return false; }
  /// What a layer's weights are multiplied by once its pre-activations (examples x units) for the
  /// first batch are known; layers are asked from the input side, each behind its rescaled ones.
  virtual double weight_factor(MatrixView<const double> /*pre_activations*/) const { return 1; }
};

/// The activation of a net's hidden layers, and what messages call it.
struct HiddenActivation {
  HiddenActivation(const Activation& activation, std::string called = "this activation")
      : phi(activation), name(std::move(called)) {}

  const Activation& phi;
  std::string name;
};

struct InitializerEntry {
  PluginInfo info;
  /// For a net whose hidden layers have this activation.
  std::shared_ptr<const Initializer> (*make)(Settings&, const HiddenActivation&) = nullptr;
};

const Catalogue<InitializerEntry>& initializer_catalogue();

/// The entry of `Kind`, whose constructor takes (Settings&) or (Settings&, const HiddenActivation&).
template <class Kind>
InitializerEntry initializer_entry(PluginInfo info) {
  const auto make = [](Settings& settings,
                       const HiddenActivation& activation) -> std::shared_ptr<const Initializer> {
    if constexpr (std::is_constructible_v<Kind, Settings&, const HiddenActivation&>) {
      return std::make_shared<Kind>(settings, activation);
    } else {
      return std::make_shared<Kind>(settings);
    }
  };
  info.settings =
      declared_settings([make](Settings& settings) { make(settings, *any_activation()); });
  return {std::move(info), make};
}

}  // namespace plumbline
