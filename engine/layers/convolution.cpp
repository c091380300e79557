// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/convolution_layer.hpp"

namespace plumbline::layers {

LayerEntry convolution() {
  return layer_entry(
      {
          .summary = "A convolution of images: every output channel has a kernel of square windows "
                     "over all input channels, and a bias.",
          .formula = "a(c, y, x) = phi(b_c + sum over dy, dx, k of W(c, dy, dx, k) "
                     "in(k, stride y + dy - padding, stride x + dx - padding))",
          .paper = "LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document "
                   "recognition, Proceedings of the IEEE 86, 1998, doi:10.1109/5.726791",
      },
      [](Settings& settings, const LayerDefaults& model) {
        const auto channels = static_cast<std::size_t>(
            settings.integer("channels", 16, between(1, 100000), "output channels"));
        const Window window = read_window(settings);
        return convolution_kind(channels, window, read_activation(settings, model));
      });
}

}  // namespace plumbline::layers
