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

// Copies one buffer into another, over and over.
class Copy {
 public:
  explicit Copy(double bytes)
      : from_(std::max<std::size_t>(1, static_cast<std::size_t>(bytes / 2) / sizeof(Lanes)),
              Lanes(1.0F)),
        to_(from_) {}

  double operator()() {
    const std::size_t n = from_.size();
    const std::size_t passes = std::max<std::size_t>(1, kLeastLanes / n);
    for (std::size_t pass = 0; pass < passes; ++pass) {
      const Lanes* from = from_.data();
      Lanes* to = to_.data();
      // With a factor that the compiler does not know to be 1: else it calls memcpy, which goes around
      // the caches where a buffer is large.
      float one = 1;
      asm volatile("" : "+m"(one));
      const Lanes factor(one);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < n; ++i) to[i] = factor * from[i];
      asm volatile("" : : "r"(from), "r"(to) : "memory");
    }
    return 2.0 * static_cast<double>(passes * n * sizeof(Lanes));
  }

 private:
  using Lanes = xsimd::batch<float>;
  static constexpr std::size_t kLeastLanes = 1 << 14;

  std::vector<Lanes, xsimd::aligned_allocator<Lanes, 64>> from_;
  std::vector<Lanes, xsimd::aligned_allocator<Lanes, 64>> to_;
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
  if (caches.l1 > 0) levels.push_back({"L1", caches.l1, caches.l1 / 2, {}});
  if (caches.l2 > 0) levels.push_back({"L2", caches.l2, caches.l2 / 2, {}});
  if (caches.l3 > 0) {
    levels.push_back({"L3", caches.l3, std::max(caches.l3 / 2, 2 * caches.l2), {}});
  }
  constexpr double kLeast = 64e6;
  const double wanted = std::max(kLeast, 4 * std::max(caches.l2, caches.l3));
  levels.push_back({"memory", 0, std::min(wanted, available_memory() / 4), {}});
  return levels;
}

// The streams of a level that all share its size, if it is one that they share.
double copied_by_each(const MemoryLevel& level, int streams, const CacheSizes& caches) {
  if (level.name != "L3" && level.name != "memory") return level.copied;
  return std::max(level.copied / streams, 2 * caches.l2);
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

double copy_rate(double bytes) {
  Copy copy(bytes);
  copy();
  std::vector<double> rates;
  for (int i = 0; i < kRepetitions; ++i) rates.push_back(rate_of(std::ref(copy), kSeconds));
  return quiet_median(rates);
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
    Repetitions measured = repetitions(threads);
    for (std::size_t t = 0; t < threads.size(); ++t) {
      std::vector<Copy> copies(static_cast<std::size_t>(threads[t]),
                               Copy(copied_by_each(level, threads[t], ceiling.caches)));
      std::vector<Stream> streams;
      for (Copy& copy : copies) {
        copy();
        streams.emplace_back(std::ref(copy));
      }
      for (int i = 0; i < kRepetitions; ++i) measured[t].push_back(rate_of(streams, kSeconds));
    }
    level.bandwidth = quiet_medians(measured);
  }
  return ceiling;
}

}  // namespace plumbline
