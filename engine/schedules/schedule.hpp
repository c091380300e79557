// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "engine/core/catalogue.hpp"

namespace plumbline {

/// How the learning rate changes over a run.
class Schedule {
 public:
  virtual ~Schedule() = default;

  /// What the optimizer's learning rate is multiplied by in update `step` of `steps`; the first
  /// update is step 1.
  virtual double factor(std::int64_t step, std::int64_t steps) const = 0;
};

struct ScheduleEntry {
  PluginInfo info;
  std::shared_ptr<const Schedule> (*make)(Settings&) = nullptr;
};

const Catalogue<ScheduleEntry>& schedule_catalogue();

template <class Kind>
ScheduleEntry schedule_entry(PluginInfo info) {
  info.settings = declared_settings([](Settings& settings) { Kind kind(settings); });
  return {std::move(info), [](Settings& settings) -> std::shared_ptr<const Schedule> {
            return std::make_shared<Kind>(settings);
          }};
}

}  // namespace plumbline
