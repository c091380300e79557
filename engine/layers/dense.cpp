// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/dense_layer.hpp"

namespace plumbline::layers {

LayerEntry dense() {
  return layer_entry(
      {
          .summary = "A fully connected layer: each output has a weight for each input.",
          .formula = "a = phi(W x + b)",
          .paper = "Rumelhart, Hinton & Williams, Learning representations by back-propagating "
                   "errors, Nature 323, 1986, doi:10.1038/323533a0",
      },
      [](Settings& settings, const LayerDefaults& model) {
        const std::size_t width = read_width(settings, model);
        return dense_kind(width, read_activation(settings, model));
      });
}

}  // namespace plumbline::layers
