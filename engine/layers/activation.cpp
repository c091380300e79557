// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/activation_layer.hpp"

namespace plumbline::layers {

LayerEntry activation() {
  return layer_entry(
      {
          .summary = "An activation by itself: of each value, or of the channels of each pixel.",
          .formula = "a = phi(x)",
          .paper = "",
      },
      [](Settings& settings, const LayerDefaults& model) {
        return activation_kind(read_activation(settings, model));
      });
}

}  // namespace plumbline::layers
