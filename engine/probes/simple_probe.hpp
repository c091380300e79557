// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/probes/probe.hpp"

namespace plumbline {

/// The kind of a probe without settings of its own. Made is a class template over T with
///   static std::vector<Quantity> quantities();
///   static constexpr ProbeCalls kCalls;
///   explicit Made(const ProbedRun&), and Made<T> is a Probe<T>
/// and, where they are not the defaults of ProbeKind,
///   static std::string undefined(const ProbedRun&);  // of all its quantities
///   static double memory(const ProbedRun&);
///   static double cost(const ProbedRun&);
template <template <typename> class Made>
class SimpleProbeKind final : public ProbeKindOf<SimpleProbeKind<Made>> {
 public:
  explicit SimpleProbeKind(Settings& /*settings*/) {}

  std::vector<Quantity> quantities() const override { return Made<double>::quantities(); }
  ProbeCalls calls(const ProbedRun& /*run*/) const override { return Made<double>::kCalls; }
  std::string undefined(std::size_t /*quantity*/, const ProbedRun& run) const override {
    if constexpr (requires { Made<double>::undefined(run); }) return Made<double>::undefined(run);
    return {};
  }
  double memory(const ProbedRun& run) const override {
    if constexpr (requires { Made<double>::memory(run); }) return Made<double>::memory(run);
    return 0;
  }
  double cost(const ProbedRun& run) const override {
    if constexpr (requires { Made<double>::cost(run); }) return Made<double>::cost(run);
    return ProbeKind::cost(run);
  }
  template <typename T>
  std::unique_ptr<Probe<T>> make(const ProbedRun& run) const {
    return std::make_unique<Made<T>>(run);
  }
};

template <template <typename> class Made>
ProbeEntry simple_probe(PluginInfo info) {
  return probe_entry<SimpleProbeKind<Made>>(std::move(info));
}

}  // namespace plumbline
