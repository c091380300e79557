// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
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

  /// What is hardly meant in a run of so many steps, as the rest of a sentence about the schedule;
  /// empty where there is nothing to say.
  virtual std::string remark(std::int64_t /*steps*/) const { return {}; }
};

/// The remark on a warm-up that the run does not see the end of; empty where it does, or makes no
/// updates at all.
std::string remark_on_warmup(std::int64_t warmup, std::int64_t steps);

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
