// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace plumbline {

/// How many threads share the work of one call of in_parallel(); 1 at first. Who knows of idle threads
/// sets it, for all calls from then on. Safe to call from any thread.
void set_threads_per_call(int threads);
int threads_per_call();

namespace parallel_detail {

using Piece = void (*)(const void* body, std::size_t first, std::size_t last);
void in_parallel(std::size_t n, std::size_t grain, Piece piece, const void* body);

}  // namespace parallel_detail

/// Calls body(first, last) for ranges that make up [0, n) without overlap and returns when all are
/// done. Each range begins at a multiple of `grain`; how many there are depends on threads_per_call(),
/// so results must not. They run on the calling thread and on idle ones of its oneTBB arena; while
/// it waits, the caller takes up nothing but ranges of its own call. `grain` should be 10 us of work or
/// more. An exception of a body is thrown on.
template <class Body>
void in_parallel(std::size_t n, std::size_t grain, const Body& body) {
  parallel_detail::in_parallel(
      n, grain,
      [](const void* one, std::size_t first, std::size_t last) {
        (*static_cast<const Body*>(one))(first, last);
      },
      &body);
}

}  // namespace plumbline
