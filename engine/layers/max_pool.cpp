// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/pool_layer.hpp"

namespace plumbline::layers {

LayerEntry max_pool() {
  return layer_entry(
      {
          .summary = "The largest pixel of each window, channel by channel.",
          .formula = "y(c, i, j) = max over the window of x(c, ., .)",
          .paper = "Ranzato, Huang, Boureau & LeCun, Unsupervised learning of invariant feature "
                   "hierarchies, CVPR 2007",
      },
      [](Settings& settings, const LayerDefaults& /*model*/) {
        return read_pool(settings, Pooling::largest);
      });
}

}  // namespace plumbline::layers
