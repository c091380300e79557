// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/layers/layer.hpp"
#include "engine/network/normalization.hpp"

namespace plumbline {

/// What `model.kind` may be.
struct ModelKindInfo {
  std::string name;
  std::string summary;
  std::string formula;
  std::string paper;
  std::vector<std::string> settings = {};  ///< of [model], that are for this kind alone
};

/// In the order in which messages name them.
const std::vector<ModelKindInfo>& model_kind_infos();

/// A kind of model, and what its hidden layers are made of.
struct ModelKind {
  std::string name;                      ///< of model_kind_infos()
  std::vector<std::size_t> widths = {};  ///< of each hidden layer, input side first
  LayerDefaults defaults = {};
  Normalization normalization = {};

  bool is_recurrent() const { return name == "rnn" || name == "lstm" || name == "gru"; }
  /// Whether it takes images and sequences as they are.
  bool takes_shapes() const { return name == "cnn" || is_recurrent(); }

  /// Reads the settings of every kind of model, of which those of other kinds are a warning, and makes
  /// the hidden layers, input side first. Without layers where there is a mistake, and where there is
  /// nothing but one dense layer for each width.
  std::vector<std::shared_ptr<const LayerKind>> read_layers(Settings& model) const;
};

}  // namespace plumbline
