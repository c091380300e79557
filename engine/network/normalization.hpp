// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "engine/layers/layer.hpp"

namespace plumbline {

/// What stands between the sums of a model's hidden layers and their activations.
struct Normalization {
  std::string name = "none";
  Settings::Plugin plugin = {};

  bool is_none() const { return name == "none"; }
  /// Whether it is a dense layer itself, and not one behind it.
  bool is_of_weights() const { return name == "weight_norm"; }
  /// A layer of its own, with parameters of its own.
  std::shared_ptr<const LayerKind> make(Settings& model, const LayerDefaults& defaults) const;
};

/// Reads the setting `normalization` of a model.
Normalization read_normalization(Settings& model);

}  // namespace plumbline
