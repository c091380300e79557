// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/pool_layer.hpp"

namespace plumbline::layers {

LayerEntry global_pool() {
  return layer_entry(
      {
          .summary = "The mean of all pixels, channel by channel: a vector of the channels.",
          .formula = "y_c = mean of x(c, ., .)",
          .paper = "Lin, Chen & Yan, Network in network, ICLR 2014, arXiv:1312.4400",
      },
      [](Settings& /*settings*/, const LayerDefaults& /*model*/) {
        return pool_kind(Pooling::mean, 0, 1);
      });
}

}  // namespace plumbline::layers
