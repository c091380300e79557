// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "engine/core/sampling.hpp"
#include "engine/probes/probe.hpp"

namespace plumbline {

/// Makes a Probe of a functor that measures one weight layer:
///   template <typename T> double measure(const Snapshot<T>&, const WeightLayer<T>&) const;
template <class Functor>
class LayerProbe final : public Probe {
 public:
  void measure(const Snapshot<float>& snapshot, std::span<double> layers) const override {
    measure_all(snapshot, layers);
  }
  void measure(const Snapshot<double>& snapshot, std::span<double> layers) const override {
    measure_all(snapshot, layers);
  }

 private:
  template <typename T>
  void measure_all(const Snapshot<T>& snapshot, std::span<double> layers) const {
    for (std::size_t l = 0; l < layers.size(); ++l) {
      layers[l] = Functor().measure(snapshot, snapshot.network.layer(l));
    }
  }
};

template <class Functor>
ProbeEntry layer_probe(PluginInfo info, std::string units = "1") {
  info.settings = declared_settings([](Settings& settings) { const Sampling sampling(settings); });
  return {std::move(info), std::move(units),
          [](Settings& /*settings*/) -> std::shared_ptr<const Probe> {
            return std::make_shared<LayerProbe<Functor>>();
          }};
}

}  // namespace plumbline
