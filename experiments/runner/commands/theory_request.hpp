// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/activations/activation.hpp"
#include "engine/core/settings.hpp"
#include "engine/theory/finite_width.hpp"
#include "engine/theory/mean_field.hpp"

namespace plumbline {

/// What `plumbline theory` is asked about.
struct TheoryRequest {
  std::shared_ptr<const Activation> activation;
  std::string activation_name;
  std::string initializer_name = {};  ///< that the variances are of; empty where they are given
  double weight_variance = 0;
  double bias_variance = 0;
  std::optional<std::size_t> depth = {};
  std::optional<std::size_t> width = {};
  bool independent_weights = true;
  std::optional<double> batch = {};
  std::optional<double> residual_scale = {};
};

/// The keys with type, range and meaning.
std::vector<SettingInfo> theory_settings();

/// Throws DefinitionError with every mistake.
TheoryRequest read_theory_request(const std::vector<std::string>& arguments);

/// A number with the reason why it is none.
struct TheoryNumber {
  std::string name;
  double value = 0;
  std::string meaning;  ///< or why it is undefined
};

/// Numbers beside those of the point that need depth, batch or residual_scale.
std::vector<TheoryNumber> depth_numbers(const TheoryRequest& request, const MeanFieldPoint& point);

/// The error signal of each layer with its band, for `depth` hidden layers of `width` units and as many
/// inputs; the first layer has the length q*, or 1 where that is none. Needs depth and width.
ErrorSignalTheory error_signals(const TheoryRequest& request, const MeanFieldPoint& point);

}  // namespace plumbline
