// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "engine/training/run_record.hpp"

namespace plumbline {

/// What a record takes in memory, roughly: its numbers, and a kilobyte for all beside them.
inline std::size_t bytes_of(const RunRecord& record) {
  constexpr std::size_t kBytesBeside = 1024;
  std::size_t numbers = record.steps.size() + 4 * record.theory_error_signal.size();
  for (const Metric& metric : record.metrics) numbers += metric.values.size();
  return kBytesBeside + numbers * sizeof(double);
}

}  // namespace plumbline
