// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/parallel.hpp"

#include <algorithm>
#include <atomic>

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>

#include "engine/kernels/fork_join.hpp"

namespace plumbline {

namespace {

std::atomic<int> sharing{1};

// More ranges than threads, so that a thread that is held up leaves some of its own to the others.
constexpr std::size_t kRangesPerThread = 3;

}  // namespace

void set_threads_per_call(int threads) {
  sharing.store(std::max(threads, 1), std::memory_order_relaxed);
}

int threads_per_call() { return sharing.load(std::memory_order_relaxed); }

void parallel_detail::in_parallel(std::size_t n, std::size_t grain, Piece piece, const void* body) {
  const auto threads = static_cast<std::size_t>(threads_per_call());
  const std::size_t grains = (n + grain - 1) / grain;
  if (threads == 1 || grains < 2) {
    if (n > 0) piece(body, 0, n);
    return;
  }
  const std::size_t ranges = std::min(grains, threads * kRangesPerThread);
  const auto begin_of = [=](std::size_t range) {
    return std::min(n, grains * range / ranges * grain);
  };
  const auto run_range = [&](std::size_t range) {
    fork_join::begin();
    piece(body, begin_of(range), begin_of(range + 1));
    fork_join::end();
  };
  fork_join::fork();
  // Without isolation the caller could take up a whole run of a sweep while it waits for a product.
  oneapi::tbb::this_task_arena::isolate([&] {
    oneapi::tbb::parallel_for(std::size_t{0}, ranges, run_range, oneapi::tbb::simple_partitioner());
  });
  fork_join::join();
}

}  // namespace plumbline
