// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/activations/activation.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/probes/probe.hpp"

namespace plumbline {

/// phi'(z) of each unit of each layer and example, for stacks of dense layers whose activations treat each
/// unit by itself.
template <typename T>
class UnitSlopes {
 public:
  explicit UnitSlopes(const ProbedRun& run)
      : hidden_(run.model.activation),
        output_(run.model.output_activation),
        ones_(most_units(run), T(1)),
        slopes_(run.batch, Shape::vector(most_units(run))) {}

  /// Empty where it knows the slopes.
  static std::string undefined(const ProbedRun& run) {
    if (!run.model.is_dense() || run.model.takes_shapes) {
      return "the slopes of units are known in plain stacks of dense layers alone";
    }
    for (const auto* activation : {&run.model.activation, &run.model.output_activation}) {
      if (dynamic_cast<const ElementwiseActivation*>(activation->get()) == nullptr) {
        return "the activation does not make each output of one sum alone";
      }
    }
    return {};
  }
  static double memory(const ProbedRun& run) {
    const std::size_t units = most_units(run);
    return run.value_bytes() * static_cast<double>(units + run.batch * padded_stride<T>(units));
  }

  /// Of the layer's last forward pass: examples x units. Holds until the next call.
  MatrixView<const T> of(const Network<T>& network, std::size_t index) {
    const WeightLayer<T>& layer = network.layer(index);
    const Activation& phi = index + 1 < network.depth() ? *hidden_ : *output_;
    const MatrixView<const T> z = layer.pre_activation();
    MatrixView<T> slopes = slopes_.first_rows(z.rows);
    slopes.cols = z.cols;
    // What comes back of a slope of 1 in each output: one row of ones that serves for all.
    phi.backward(z, layer.output(), std::span<const T>(), {ones_.data(), z.rows, z.cols, 0}, slopes,
                 std::span<T>());
    return slopes;
  }

 private:
  static std::size_t most_units(const ProbedRun& run) {
    std::size_t units = 0;
    for (const ParameterTensor& tensor : run.layout.tensors()) {
      if (tensor.is_weight_matrix()) units = std::max(units, tensor.rows);
    }
    return units;
  }

  std::shared_ptr<const Activation> hidden_;
  std::shared_ptr<const Activation> output_;
  std::vector<T> ones_;
  Buffer<T> slopes_;
};

}  // namespace plumbline
