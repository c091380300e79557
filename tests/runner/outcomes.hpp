// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/sweep/scheduler.hpp"

namespace plumbline {

/// Everything that a run records, but for the times.
struct Outcome {
  RunStatus status = RunStatus::pending;
  std::string message;
  std::string digest;
  std::vector<Metric> metrics;

  bool operator==(const Outcome&) const = default;
};

inline std::map<std::size_t, Outcome> outcomes(const Plan& plan, const Sharing& sharing) {
  std::vector<std::size_t> all(plan.runs.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  std::atomic<bool> stop{false};
  std::map<std::size_t, Outcome> found;
  schedule(plan, all, {}, sharing, stop, [&](std::size_t index, RunRecord&& record) {
    found[index] = {record.status, record.message, record.digest, record.metrics};
    // NaN is not equal to itself; no accuracy or loss of a complete run is one.
    for (Metric& metric : found[index].metrics)
      std::erase_if(metric.values, [](double value) { return value != value; });
  });
  return found;
}

}  // namespace plumbline
