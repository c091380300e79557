// SPDX-License-Identifier: Apache-2.0
// Making a plug-in of any kind from its entry.
#pragma once

#include "engine/activations/activation.hpp"
#include "engine/initializers/initializer.hpp"
#include "engine/layers/layer.hpp"

namespace plumbline {

/// The activation of this name with its defaults.
inline std::shared_ptr<const Activation> default_activation(const char* name) {
  const SettingsTable empty;
  SettingsReport report;
  Settings settings(empty, "", report);
  return activation_catalogue().find(name)->make(settings);
}

template <class Entry>
auto make_entry(const Entry& entry, Settings& settings) {
  return entry.make(settings);
}
/// In a net of rectifiers.
inline auto make_entry(const LayerEntry& entry, Settings& settings) {
  return entry.make(settings, {default_activation("relu"), "relu", 100});
}
/// For a net of rectifiers.
inline auto make_entry(const InitializerEntry& entry, Settings& settings) {
  return entry.make(settings, *default_activation("relu"));
}

}  // namespace plumbline
