// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/row_norm.hpp"

namespace plumbline::layers {

LayerEntry layer_norm() {
  return layer_entry(
      {
          .summary =
              "The values of each example, or of each of its steps, with mean 0 and variance "
              "1, then a gain and a bias for each of them.",
          .formula = "y = gain (x - mean) / sqrt(variance + epsilon) + bias",
          .paper = "Ba, Kiros & Hinton, Layer normalization, 2016, arXiv:1607.06450",
      },
      [](Settings& settings, const LayerDefaults& /*model*/) -> std::shared_ptr<const LayerKind> {
        return std::make_shared<RowNormKind>(settings, "layer_norm", true);
      });
}

}  // namespace plumbline::layers
