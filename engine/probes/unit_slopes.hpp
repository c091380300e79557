// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/activations/activation.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/probes/probe.hpp"

namespace plumbline {

/// phi'(z) of each unit of each layer and example, for stacks of dense layers or of convolutions, of which each
/// pixel of a channel is a unit, whose activations treat each unit by itself.
template <typename T>
class UnitSlopes {
 public:
  explicit UnitSlopes(const ModelSettings& model)
      : hidden_(model.activation), output_(model.output_activation) {}

  /// Empty where it knows the slopes.
  static std::string undefined(const ProbedRun& run) {
    const bool is_normalized = std::ranges::any_of(
        run.layout.tensors(),
        [](const ParameterTensor& tensor) { return tensor.group == ParameterGroup::norm; });
    if (!run.model.is_plain_stack() && (run.model.kind != "cnn" || is_normalized)) {
      return "the slopes of units are known in plain stacks of dense layers or convolutions alone";
    }
    for (const auto* activation : {&run.model.activation, &run.model.output_activation}) {
      if (dynamic_cast<const ElementwiseActivation*>(activation->get()) == nullptr) {
        return "the activation does not make each output of one sum alone";
      }
    }
    return {};
  }
  static double memory(const ProbedRun& run) {
    std::size_t most = 0;
    run.model.layers(run.outputs)
        .for_each(run.input, [&most](const LayerKind& kind, const Shape& input) {
          most = std::max(most, kind.output(input).values());
        });
    return run.value_bytes() * static_cast<double>(most + run.batch * padded_stride<T>(most));
  }

  /// Of the layer's last forward pass: examples x units. Holds until the next call.
  MatrixView<const T> of(const Network<T>& network, std::size_t index) {
    const WeightLayer<T>& layer = network.layer(index);
    const Activation& phi = index + 1 < network.depth() ? *hidden_ : *output_;
    const MatrixView<const T> z = layer.pre_activation();
    const std::size_t stride = padded_stride<T>(z.cols);
    if (ones_.size() < z.cols) ones_.resize(z.cols, T(1));
    if (slopes_.size() < z.rows * stride) {
      slopes_ = {};  // so that the old room is not there beside the new
      slopes_.shrink_to_fit();
      slopes_.resize(z.rows * stride);
    }
    const MatrixView<T> slopes{slopes_.data(), z.rows, z.cols, stride};
    // What comes back of a slope of 1 in each output: one row of ones that serves for all.
    phi.backward(z, layer.output(), std::span<const T>(), {ones_.data(), z.rows, z.cols, 0}, slopes,
                 std::span<T>());
    return slopes;
  }

 private:
  std::shared_ptr<const Activation> hidden_;
  std::shared_ptr<const Activation> output_;
  std::vector<T> ones_;  // these two grow to the largest layer that is asked for
  std::vector<T> slopes_;
};

}  // namespace plumbline
