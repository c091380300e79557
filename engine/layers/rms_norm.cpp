// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/row_norm.hpp"

namespace plumbline::layers {

LayerEntry rms_norm() {
  return layer_entry(
      {
          .summary =
              "The values of each example, or of each of its steps, with mean square 1, then a "
              "gain for each of them.",
          .formula = "y = gain x / sqrt(mean of x^2 + epsilon)",
          .paper = "Zhang & Sennrich, Root mean square layer normalization, NeurIPS 2019, "
                   "arXiv:1910.07467",
      },
      [](Settings& settings, const LayerDefaults& /*model*/) -> std::shared_ptr<const LayerKind> {
        return std::make_shared<RowNormKind>(settings, "rms_norm", false);
      });
}

}  // namespace plumbline::layers
