// SPDX-License-Identifier: Apache-2.0
#include "engine/schedules/schedule.hpp"

namespace plumbline {

std::string remark_on_warmup(std::int64_t warmup, std::int64_t steps) {
  if (steps == 0 || warmup <= steps) return {};
  return "warms up for " + std::to_string(warmup) + " updates, and the run ends after " +
         std::to_string(steps);
}

}  // namespace plumbline
