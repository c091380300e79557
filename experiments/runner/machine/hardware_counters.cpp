// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/machine/hardware_counters.hpp"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace plumbline {

namespace {

int opened(const CounterKind& kind) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = kind.type;
  attributes.config = kind.config;
  attributes.disabled = 1;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  constexpr int kThisThread = 0;
  constexpr int kAnyProcessor = -1;
  constexpr int kNoGroup = -1;
  return static_cast<int>(syscall(SYS_perf_event_open, &attributes, kThisThread, kAnyProcessor,
                                  kNoGroup, PERF_FLAG_FD_CLOEXEC));
}

}  // namespace

std::vector<CounterKind> processor_counters() {
  return {{"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
          {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
          {"cache_references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES},
          {"cache_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES}};
}

HardwareCounters::HardwareCounters(std::vector<CounterKind> kinds) {
  std::string names;
  std::string reason;
  for (CounterKind& kind : kinds) {
    const int descriptor = opened(kind);
    if (descriptor >= 0) {
      counters_.push_back({std::move(kind.name), descriptor});
      continue;
    }
    reason = std::generic_category().message(errno);
    names += (names.empty() ? "" : ", ") + kind.name;
  }
  if (!names.empty()) missing_ = "perf_event_open gives no " + names + ": " + reason;
}

HardwareCounters::~HardwareCounters() {
  for (const Counter& counter : counters_) close(counter.descriptor);
}

void HardwareCounters::start() {
  for (const Counter& counter : counters_) ioctl(counter.descriptor, PERF_EVENT_IOC_ENABLE, 0);
}

void HardwareCounters::stop() {
  for (const Counter& counter : counters_) ioctl(counter.descriptor, PERF_EVENT_IOC_DISABLE, 0);
}

std::vector<HardwareCounters::Count> HardwareCounters::counts() const {
  std::vector<Count> read_counts;
  for (const Counter& counter : counters_) {
    std::array<std::uint64_t, 3> values{};  // the count, time enabled, time running
    if (read(counter.descriptor, values.data(), sizeof values) != sizeof values) continue;
    const auto [count, enabled, running] = values;
    if (running == 0) continue;
    read_counts.push_back({counter.name, static_cast<double>(count) * static_cast<double>(enabled) /
                                             static_cast<double>(running)});
  }
  return read_counts;
}

}  // namespace plumbline
