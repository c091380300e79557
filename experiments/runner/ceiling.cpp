// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/ceiling.hpp"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <thread>

#include <xsimd/xsimd.hpp>

#include "engine/kernels/multiply_add.hpp"
#include "experiments/runner/available_memory.hpp"

namespace plumbline {

namespace {

using std::chrono::steady_clock;

constexpr int kRepetitions = 11;
constexpr double kSeconds = 0.004;  // of one repetition

/// A piece of work of some microseconds; returns how much it was.
using Stream = std::function<double()>;

// Work a second, for about so many seconds.
double rate_of(const Stream& stream, double seconds) {
  const auto start = steady_clock::now();
  double done = 0;
  double elapsed = 0;
  do {
    done += stream();
    elapsed = std::chrono::duration<double>(steady_clock::now() - start).count();
  } while (elapsed < seconds);
  return done / elapsed;
}

// The work a second of all streams together, each on a thread of its own. They start at once.
double rate_of(const std::vector<Stream>& streams, double seconds) {
  if (streams.size() == 1) return rate_of(streams.front(), seconds);
  std::vector<double> rates(streams.size());
  std::barrier start(std::ssize(streams));
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < streams.size(); ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        rates[i] = rate_of(streams[i], seconds);
      });
    }
  }
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

Stream multiply_add_stream(Precision precision) {
  constexpr std::size_t kLinks = 2000;
  if (precision == Precision::float64) return [] { return multiply_adds<double>(kLinks); };
  return [] { return multiply_adds<float>(kLinks); };
}

enum class Traffic { copy, update };

// Goes through buffers of so many bytes together, over and over: copies one half of them into the other,
// or updates them in place, four parts side by side, as an optimizer does and prefetchers like.
class TrafficStream {
 public:
  TrafficStream(Traffic traffic, double bytes)
      : traffic_(traffic),
        buffer_(kParts * std::max<std::size_t>(
                             1, static_cast<std::size_t>(bytes) / sizeof(Lanes) / kParts),
                Lanes(1.0F)) {}

  double operator()() {
    const bool copies = traffic_ == Traffic::copy;
    const std::size_t part = buffer_.size() / kParts;
    const std::size_t read = copies ? 2 * part : kParts * part;
    const std::size_t passes = std::max<std::size_t>(1, kLeastLanes / read);
    for (std::size_t pass = 0; pass < passes; ++pass) {
      // A factor that the compiler does not know to be 1: else it calls memcpy, which goes around the
      // caches where a buffer is large.
      float one = 1;
      asm volatile("" : "+m"(one));
      const Lanes factor(one);
      Lanes* const x = buffer_.data();
      if (copies) {
#pragma GCC unroll 4
        for (std::size_t i = 0; i < read; ++i) x[read + i] = factor * x[i];
      } else {
        for (std::size_t i = 0; i < part; ++i) {
#pragma GCC unroll 4
          for (std::size_t j = 0; j < kParts; ++j) x[j * part + i] *= factor;
        }
      }
      asm volatile("" : : "r"(x) : "memory");
    }
    return 2.0 * static_cast<double>(passes * read * sizeof(Lanes));
  }

 private:
  using Lanes = xsimd::batch<float>;
  static constexpr std::size_t kParts = 4;
  static constexpr std::size_t kLeastLanes = 1 << 14;

  Traffic traffic_;
  std::vector<Lanes, xsimd::aligned_allocator<Lanes, 64>> buffer_;
};

// Rates of a kernel, for each number of streams, by repetition.
using Repetitions = std::vector<std::vector<double>>;

Repetitions repetitions(const std::vector<int>& threads) { return Repetitions(threads.size()); }

std::vector<double> quiet_medians(const Repetitions& measured) {
  std::vector<double> medians;
  for (const std::vector<double>& rates : measured) medians.push_back(quiet_median(rates));
  return medians;
}

// Half of a cache, so that what else it holds leaves room; of memory, what no cache holds.
std::vector<MemoryLevel> memory_levels(const CacheSizes& caches) {
  std::vector<MemoryLevel> levels;
  if (caches.l1 > 0) levels.push_back({"L1", caches.l1, caches.l1 / 2});
  if (caches.l2 > 0) levels.push_back({"L2", caches.l2, caches.l2 / 2});
  if (caches.l3 > 0) {
    levels.push_back({"L3", caches.l3, std::max(caches.l3 / 2, 2 * caches.l2)});
  }
  constexpr double kLeast = 64e6;
  const double wanted = std::max(kLeast, 4 * std::max(caches.l2, caches.l3));
  levels.push_back({"memory", 0, std::min(wanted, available_memory() / 4)});
  return levels;
}

// The streams of a level that all share its size, if it is one that they share.
double buffers_of_each(const MemoryLevel& level, int streams, const CacheSizes& caches) {
  if (level.name != "L3" && level.name != "memory") return level.buffers;
  return std::max(level.buffers / streams, 2 * caches.l2);
}

// Of all streams together, for each number of them.
std::vector<double> bandwidth(Traffic traffic, const MemoryLevel& level,
                              const std::vector<int>& threads, const CacheSizes& caches) {
  Repetitions measured = repetitions(threads);
  for (std::size_t t = 0; t < threads.size(); ++t) {
    std::vector<TrafficStream> kernels(
        static_cast<std::size_t>(threads[t]),
        TrafficStream(traffic, buffers_of_each(level, threads[t], caches)));
    std::vector<Stream> streams;
    for (TrafficStream& kernel : kernels) {
      kernel();
      streams.emplace_back(std::ref(kernel));
    }
    for (int i = 0; i < kRepetitions; ++i) measured[t].push_back(rate_of(streams, kSeconds));
  }
  return quiet_medians(measured);
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto upper = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, upper);
  if (values.size() % 2 == 1) return *upper;
  return (*std::max_element(values.begin(), upper) + *upper) / 2;
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
  return rate_of(multiply_add_stream(precision), seconds);
}

double multiply_add_rate(Precision precision, int streams, double seconds) {
  return rate_of(
      std::vector<Stream>(static_cast<std::size_t>(streams), multiply_add_stream(precision)),
      seconds);
}

double traffic_rate(double bytes) {
  double best = 0;
  for (const Traffic traffic : {Traffic::copy, Traffic::update}) {
    TrafficStream stream(traffic, bytes);
    stream();
    std::vector<double> rates;
    for (int i = 0; i < kRepetitions; ++i) rates.push_back(rate_of(std::ref(stream), kSeconds));
    best = std::max(best, quiet_median(rates));
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
