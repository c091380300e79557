// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/highway_layer.hpp"

namespace plumbline::layers {

LayerEntry highway() {
  return layer_entry(
      {
          .summary =
              "A dense layer whose gates let each value pass as it is or as the layer makes it.",
          .formula = "y = t phi(W x + b) + (1 - t) x, t = sigmoid(W_t x + b_t)",
          .paper = "Srivastava, Greff & Schmidhuber, Highway networks, 2015, arXiv:1505.00387",
      },
      [](Settings& settings, const LayerDefaults& model) {
        const double gate_bias =
            settings.number("gate_bias", -2, kAny, "where the biases of the gates start");
        return highway_kind(read_activation(settings, model), gate_bias);
      });
}

}  // namespace plumbline::layers
