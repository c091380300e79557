// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace plumbline {

/// A counter of the kernel's perf_event_open.
struct CounterKind {
  std::string name;
  std::uint32_t type = 0;    ///< PERF_TYPE_...
  std::uint64_t config = 0;  ///< PERF_COUNT_...
};

/// cycles, instructions, cache_references, cache_misses: the processor's own.
std::vector<CounterKind> processor_counters();

/// Counters of the thread that makes them, in user code, where the kernel lets it read them: virtual
/// machines often have none, and perf_event_paranoid may forbid it. They count between start() and
/// stop(), over and over.
class HardwareCounters {
 public:
  explicit HardwareCounters(std::vector<CounterKind> kinds = processor_counters());
  ~HardwareCounters();
  HardwareCounters(const HardwareCounters&) = delete;
  HardwareCounters& operator=(const HardwareCounters&) = delete;

  void start();
  void stop();

  struct Count {
    std::string name;
    double value = 0;
  };
  /// What was counted so far, for each counter that there is. Where the processor has too few of them
  /// and they took turns, the count is scaled to the whole time.
  std::vector<Count> counts() const;
  /// Why counters are missing, in a sentence; empty where none is.
  const std::string& missing() const { return missing_; }

 private:
  struct Counter {
    std::string name;
    int descriptor = -1;
  };
  std::vector<Counter> counters_;
  std::string missing_;
};

}  // namespace plumbline
