// SPDX-License-Identifier: Apache-2.0
// A place where calls of the kernels are shared among threads.
#pragma once

#include <cstddef>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include "engine/kernels/parallel.hpp"

namespace plumbline {

/// Lets each call use `threads` threads as long as it lives, and runs functions on as many.
class OnThreads {
 public:
  explicit OnThreads(int threads)
      : limit_(oneapi::tbb::global_control::max_allowed_parallelism,
               static_cast<std::size_t>(threads)),
        arena_(threads) {
    set_threads_per_call(threads);
  }
  ~OnThreads() { set_threads_per_call(1); }
  OnThreads(const OnThreads&) = delete;
  OnThreads& operator=(const OnThreads&) = delete;

  template <class Function>
  void run(const Function& function) {
    arena_.execute(function);
  }
  /// Returns at once.
  template <class Function>
  void enqueue(const Function& function) {
    arena_.enqueue(function);
  }

 private:
  oneapi::tbb::global_control limit_;
  oneapi::tbb::task_arena arena_;
};

}  // namespace plumbline
