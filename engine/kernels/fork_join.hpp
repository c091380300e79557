// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace plumbline {

/// What oneTBB guarantees of the tasks that it forks and joins, said to ThreadSanitizer, which cannot
/// look into the library of a distribution: what a caller did before it forks is there for its tasks, and
/// what tasks did is there once the caller has waited for them. Nothing in other builds.
namespace fork_join {

#ifdef __SANITIZE_THREAD__
inline char forks = 0;
inline char joins = 0;
/// The caller, before the fork and after it has waited.
inline void fork() { __tsan_release(&forks); }
inline void join() { __tsan_acquire(&joins); }
/// A task, before and behind all else that it does.
inline void begin() { __tsan_acquire(&forks); }
inline void end() { __tsan_release(&joins); }
#else
inline void fork() {}
inline void join() {}
inline void begin() {}
inline void end() {}
#endif

}  // namespace fork_join

}  // namespace plumbline
