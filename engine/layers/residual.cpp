// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/residual_layer.hpp"

namespace plumbline::layers {

LayerEntry residual() {
  return layer_entry(
      {
          .summary =
              "A residual block: the input, and what a stack of layers makes of it, added up.",
          .formula = "y = x + scale F(x)",
          .paper =
              "He, Zhang, Ren & Sun, Deep residual learning for image recognition, CVPR 2016, "
              "arXiv:1512.03385; a learned scale from 0: Bachlechner et al., ReZero is all you "
              "need, UAI 2021, arXiv:2003.04887",
      },
      [](Settings& settings, const LayerDefaults& model) {
        BranchScale scale;
        scale.learned = settings.flag("rezero", false, "the scale is learned, one a block, from 0");
        scale.factor = settings.number("scale", scale.learned ? 0 : 1, kAny,
                                       "how much of F counts, or where a learned scale starts");
        std::vector<std::shared_ptr<const LayerKind>> branch;
        for (NamedLayer& layer : read_layers(settings, "layers", model, "F, input side first")) {
          branch.push_back(std::move(layer.kind));
        }
        return residual_kind(std::move(branch), scale);
      });
}

}  // namespace plumbline::layers
