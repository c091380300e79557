// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/pool_layer.hpp"

namespace plumbline::layers {

LayerEntry mean_pool() {
  return layer_entry(
      {
          .summary = "The mean of the pixels of each window, channel by channel.",
          .formula = "y(c, i, j) = mean over the window of x(c, ., .)",
          .paper = "LeCun et al., Handwritten digit recognition with a back-propagation network, "
                   "NeurIPS 1989",
      },
      [](Settings& settings, const LayerDefaults& /*model*/) {
        return read_pool(settings, Pooling::mean);
      });
}

}  // namespace plumbline::layers
