// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/profile/ceiling.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "engine/kernels/multiply_add.hpp"
#include "engine/kernels/traffic.hpp"
#include "experiments/runner/machine/available_memory.hpp"
#include "experiments/runner/profile/median.hpp"
#include "experiments/runner/profile/streams.hpp"

namespace plumbline {

namespace {

constexpr int kRepetitions = 11;
constexpr double kSeconds = 0.004;  // of one repetition

Stream multiply_add_stream(Precision precision) {
  constexpr std::size_t kLinks = 2000;
  if (precision == Precision::float64) return [] { return multiply_adds<double>(kLinks); };
  return [] { return multiply_adds<float>(kLinks); };
}

enum class Traffic { copy, update };

// Goes through a buffer of so many bytes, over and over: copies one half into the other, or updates it in
// its place. A vector, so that where a net's memory stands on huge pages this does too.
class TrafficStream {
 public:
  TrafficStream(Traffic traffic, double bytes)
      : traffic_(traffic),
        buffer_(std::max<std::size_t>(2, static_cast<std::size_t>(bytes) / sizeof(float)), 1.0F) {}

  double operator()() {
    double bytes = 0;
    while (bytes < kPiece) bytes += go_on();
    return bytes;
  }

 private:
  static constexpr std::size_t kPiece = 1 << 20;  // bytes

  // To the end of the buffer, or for a piece.
  double go_on() {
    const std::span<float> all(buffer_);
    const bool copies = traffic_ == Traffic::copy;
    const std::size_t size = copies ? all.size() / 2 : all.size();
    const std::size_t n = std::min(kPiece / sizeof(float), size - at_);
    const std::span<float> part = all.subspan(at_, n);
    const double bytes =
        copies ? scaled_copy(part, 1, all.subspan(size + at_, n)) : scaled_in_place(part, 1);
    at_ = (at_ + n) % size;
    return bytes;
  }

  Traffic traffic_;
  std::vector<float> buffer_;
  std::size_t at_ = 0;
};

// Rates of a kernel, for each number of streams, by repetition.
using Repetitions = std::vector<std::vector<double>>;

Repetitions repetitions(const std::vector<int>& threads) { return Repetitions(threads.size()); }

std::vector<double> quiet_medians(const Repetitions& measured) {
  std::vector<double> medians;
  for (const std::vector<double>& rates : measured) medians.push_back(quiet_median(rates));
  return medians;
}

// Half of a cache, so that what else it holds leaves room; of memory, what no cache holds. An L3 that is
// hardly larger than L2 has no size of its own.
std::vector<MemoryLevel> memory_levels(const CacheSizes& caches) {
  std::vector<MemoryLevel> levels;
  if (caches.l1 > 0) levels.push_back({"L1", caches.l1, caches.l1 / 2});
  if (caches.l2 > 0) levels.push_back({"L2", caches.l2, caches.l2 / 2});
  if (caches.l3 > 0 && caches.l3 >= 2 * caches.l2) {
    levels.push_back({"L3", caches.l3, std::max(caches.l3 / 2, 2 * caches.l2)});
  }
  constexpr double kLeast = 64e6;
  const double wanted = std::max(kLeast, 4 * std::max(caches.l2, caches.l3));
  levels.push_back({"memory", 0, std::min(wanted, available_memory() / 4)});
  return levels;
}

// Of all streams together, for each number of them.
std::vector<double> bandwidth(Traffic traffic, const MemoryLevel& level,
                              const std::vector<int>& threads, const CacheSizes& caches) {
  std::vector<double> rates;
  for (const int streams : threads) {
    const double bytes = stream_buffer(level, streams, caches);
    const auto make = [traffic, bytes] { return Stream(TrafficStream(traffic, bytes)); };
    rates.push_back(std::isnan(bytes)
                        ? bytes
                        : quiet_median(joint_rates(streams, make, kRepetitions, kSeconds)));
  }
  return rates;
}

}  // namespace

double stream_buffer(const MemoryLevel& level, int streams, const CacheSizes& caches) {
  if (level.name != "L3" && level.name != "memory") return level.buffers;
  const bool is_memory = level.name == "memory";
  const double shared = level.buffers * (is_memory ? std::min(caches.l3_caches, streams) : 1);
  const double least = streams == 1 ? level.buffers : 2 * caches.l2;
  const double each = std::max(shared / streams, least);
  const double room = is_memory ? available_memory() / 2 : level.capacity;
  return streams * each <= room ? each : std::numeric_limits<double>::quiet_NaN();
}

double quiet_median(std::span<const double> rates) {
  if (rates.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double best = *std::ranges::max_element(rates);
  std::vector<double> quiet;
  std::ranges::copy_if(rates, std::back_inserter(quiet),
                       [best](double rate) { return rate >= kQuiet * best; });
  return median(std::move(quiet));
}

double multiply_add_rate(Precision precision, double seconds) {
  return stream_rate(multiply_add_stream(precision), seconds);
}

double multiply_add_rate(Precision precision, int streams, double seconds) {
  const auto make = [precision] { return multiply_add_stream(precision); };
  return joint_rates(streams, make, 1, seconds).front();
}

double traffic_rate(double bytes) {
  double best = 0;
  for (const Traffic traffic : {Traffic::copy, Traffic::update}) {
    const auto make = [traffic, bytes] { return Stream(TrafficStream(traffic, bytes)); };
    best = std::max(best, quiet_median(joint_rates(1, make, kRepetitions, kSeconds)));
  }
  return best;
}

Ceiling measure_ceiling(const std::vector<int>& threads) {
  Ceiling ceiling;
  ceiling.threads = threads;
  ceiling.caches = cache_sizes();
  ceiling.levels = memory_levels(ceiling.caches);

  std::vector<Repetitions> flops(2, repetitions(threads));
  for (int i = 0; i < kRepetitions; ++i) {
    for (const Precision precision : {Precision::float32, Precision::float64}) {
      for (std::size_t t = 0; t < threads.size(); ++t) {
        flops[static_cast<std::size_t>(precision)][t].push_back(
            multiply_add_rate(precision, threads[t], kSeconds));
      }
    }
  }
  for (std::size_t p = 0; p < flops.size(); ++p) ceiling.multiply_add[p] = quiet_medians(flops[p]);
  for (const std::vector<double>& rates : flops[0]) {
    std::vector<double> over_one;
    for (std::size_t i = 0; i < rates.size(); ++i) over_one.push_back(rates[i] / flops[0][0][i]);
    ceiling.streams_over_one.push_back(median(std::move(over_one)));
  }

  for (MemoryLevel& level : ceiling.levels) {
    level.copy = bandwidth(Traffic::copy, level, threads, ceiling.caches);
    level.update = bandwidth(Traffic::update, level, threads, ceiling.caches);
  }
  return ceiling;
}

}  // namespace plumbline
