// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/plugin_kinds.hpp"

#include "engine/activations/activation.hpp"
#include "engine/datasets/dataset.hpp"
#include "engine/initializers/initializer.hpp"
#include "engine/layers/layer.hpp"
#include "engine/losses/loss.hpp"
#include "engine/optimizers/optimizer.hpp"
#include "engine/probes/probe.hpp"
#include "engine/schedules/schedule.hpp"

namespace plumbline {

namespace {

template <class Entry>
PluginKind kind_of(const Catalogue<Entry>& catalogue) {
  PluginKind kind{catalogue.kind(), {}};
  for (const Entry& entry : catalogue.entries()) kind.plugins.push_back(&entry.info);
  return kind;
}

}  // namespace

std::vector<PluginKind> plugin_kinds() {
  return {kind_of(activation_catalogue()), kind_of(initializer_catalogue()),
          kind_of(loss_catalogue()),       kind_of(optimizer_catalogue()),
          kind_of(schedule_catalogue()),   kind_of(layer_catalogue()),
          kind_of(dataset_catalogue()),    kind_of(probe_catalogue())};
}

}  // namespace plumbline
