// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "engine/core/catalogue.hpp"
#include "engine/network/network.hpp"

namespace plumbline {

/// A net right after a backward pass over one training batch, before the update.
template <typename T>
struct Snapshot {
  const Network<T>& network;
  std::span<const T> parameters;
  std::span<const T> gradient;
  std::size_t rows = 0;  ///< examples in the batch
};

/// A quantity that is measured in every weight layer.
class Probe {
 public:
  virtual ~Probe() = default;

  /// Writes one value for each weight layer, layer 1 first.
  virtual void measure(const Snapshot<float>& snapshot, std::span<double> layers) const = 0;
  virtual void measure(const Snapshot<double>& snapshot, std::span<double> layers) const = 0;
};

struct ProbeEntry {
  PluginInfo info;
  std::string units;
  std::shared_ptr<const Probe> (*make)(Settings&) = nullptr;
};

const Catalogue<ProbeEntry>& probe_catalogue();

}  // namespace plumbline
