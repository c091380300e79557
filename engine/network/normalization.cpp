// SPDX-License-Identifier: Apache-2.0
#include "engine/network/normalization.hpp"

namespace plumbline {

std::shared_ptr<const LayerKind> Normalization::make(Settings& model,
                                                     const LayerDefaults& defaults) const {
  const Chosen<LayerEntry> chosen{layer_catalogue().find(name), plugin};
  return chosen.make(model.report(), [&](const LayerEntry& entry, Settings& own) {
    return entry.make(own, defaults);
  });
}

Normalization read_normalization(Settings& model) {
  const Settings::Plugin plugin = model.plugin(
      "normalization", "none", {"none", "batch_norm", "layer_norm", "rms_norm", "weight_norm"},
      "normalizations", "what stands between a hidden layer's sums and activation");
  // Runs keep the identity that they had before there was a choice.
  if (plugin.name == "none") model.restates("normalization.name");
  return {plugin.name.empty() ? "none" : plugin.name, plugin};
}

}  // namespace plumbline
