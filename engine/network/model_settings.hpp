// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/activations/activation.hpp"
#include "engine/initializers/initializer.hpp"
#include "engine/kernels/gemm.hpp"
#include "engine/layers/stack.hpp"

namespace plumbline {

enum class Precision { float32, float64 };

/// The settings of `[model]`, and what the engine does with them.
struct ModelSettings {
  std::string kind = "mlp";
  /// Units of each hidden layer, input side first. Weight layers are 1 (input side) to size + 1.
  std::vector<std::size_t> widths = {};
  std::string activation_name;
  std::string initializer_name;
  std::shared_ptr<const Activation> activation;
  std::shared_ptr<const Activation> output_activation;
  std::shared_ptr<const Initializer> initializer;
  std::shared_ptr<const Initializer> recurrent_initializer;  ///< null where no layer is recurrent
  Precision precision = Precision::float32;
  Gemm gemm = Gemm::native;        ///< of the table `[engine]`
  bool targets_each_step = false;  ///< of the data: else the last step of a sequence has the target
  /// The layers below the output layer; empty: a dense layer for each width.
  std::vector<NamedLayer> hidden = {};
  bool takes_shapes = false;  ///< images and sequences as they are; else each example is a vector

  /// Declares and reads the settings.
  static ModelSettings read(Settings& settings);

  /// The layers, input side first, of a net with so many outputs.
  StackKind layers(std::size_t outputs) const;
  /// What of data of this shape the net stands on: the same, or a vector of all its values.
  Shape input(const Shape& data) const;
  /// Whether all layers are dense ones.
  bool is_dense() const { return layers(1).is_dense(); }
  /// Whether they are besides those of one activation: a list of layers may have several.
  bool is_plain_stack() const { return !takes_shapes && is_dense(); }
  /// The first layer that cannot stand on what is below it, which for the first is an input of this
  /// shape; nothing where all can.
  std::optional<Problem> problem(const Shape& input) const;

 private:
  void read_recurrent_initializer(Settings& settings);
  void read_hidden(Settings& settings);
};

}  // namespace plumbline
