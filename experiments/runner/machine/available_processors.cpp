// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/machine/available_processors.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <thread>

#include "experiments/runner/machine/control_groups.hpp"

namespace plumbline {

namespace {

namespace fs = std::filesystem;

// The processor time in a period over the period: cpu.max has both, "max" where there is no limit;
// cpu.cfs_quota_us is then -1.
double processors_of(const ControlGroup& group) {
  double quota = 0;
  double period = 0;
  if (group.version == 2) {
    std::ifstream file(group.folder / "cpu.max");
    file >> quota >> period;
  } else {
    quota = control_number(group.folder / "cpu.cfs_quota_us");
    period = control_number(group.folder / "cpu.cfs_period_us");
  }
  return quota > 0 && period > 0 && std::isfinite(period) ? quota / period
                                                          : std::numeric_limits<double>::infinity();
}

}  // namespace

int allowed_processors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
  return static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U));
}

int available_processors(const fs::path& root) {
  double least = allowed_processors();
  for (const ControlGroup& group : control_groups("cpu", root)) {
    least = std::min(least, std::ceil(processors_of(group)));
  }
  return std::max(1, static_cast<int>(least));
}

}  // namespace plumbline
