// SPDX-License-Identifier: Apache-2.0
// What fuzzers have in the place of engine/core/hdf5_process.cpp and of the memory allocator. Files are looked
// at in the fuzzer's own process, where the sanitizers and the counters of edges see what our code does with
// them, and no process is begun for each. A crash while the HDF5 library is at work, for which a program loses
// a copy of itself, is caught here, with the same error; all other crashes are the fuzzer's, and its findings.
#include <dlfcn.h>
#include <execinfo.h>
#include <sys/resource.h>

#include <array>
#include <csetjmp>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "engine/core/error.hpp"
#include "engine/core/hdf5_handle.hpp"
#include "engine/core/hdf5_process.hpp"

namespace plumbline::hdf5 {

namespace {

constexpr std::array<int, 5> kCrashes = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

// Where the look of now is left when the library crashes. Null where no file is looked at.
sigjmp_buf* way_out = nullptr;
std::array<struct sigaction, kCrashes.size()> handlers_before;
std::size_t crashes_of_library = 0;

bool library_is_at_work() {
  std::array<void*, 200> frames{};
  const int count = backtrace(frames.data(), static_cast<int>(frames.size()));
  for (int i = 0; i < count; ++i) {
    Dl_info object{};
    if (dladdr(frames[static_cast<std::size_t>(i)], &object) != 0 && object.dli_fname != nullptr &&
        std::strstr(object.dli_fname, "libhdf5") != nullptr) {
      return true;
    }
  }
  return false;
}

void crashed(int signal, siginfo_t* /*about*/, void* /*context*/) {
  if (way_out != nullptr && library_is_at_work()) {
    ++crashes_of_library;
    siglongjmp(*way_out, signal);
  }
  for (std::size_t i = 0; i < kCrashes.size(); ++i) {
    if (kCrashes[i] == signal) sigaction(signal, &handlers_before[i], nullptr);
  }
  // What crashed does so again when this returns; abort() does not.
  if (signal == SIGABRT) std::raise(signal);
}

// Of each crash a file stays open.
void allow_many_open_files() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

void report_crashes() {
  std::fprintf(stderr, "stat::crashes_of_the_hdf5_library: %zu\n", crashes_of_library);
}

bool begin_to_catch() {
  std::array<void*, 1> frame{};
  backtrace(frame.data(), 1);  // the first call takes memory
  struct sigaction handler{};
  handler.sa_sigaction = crashed;
  handler.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  for (std::size_t i = 0; i < kCrashes.size(); ++i) {
    sigaction(kCrashes[i], &handler, &handlers_before[i]);
  }
  allow_many_open_files();
  return std::atexit(report_crashes) == 0;
}

// Leaves `look` where the library crashes, with all that it holds: nobody can tell what is whole of that.
std::string caught(const std::string& path, const std::function<std::string()>& look) {
  sigjmp_buf here;
  if (sigsetjmp(here, 1) != 0) {
    way_out = nullptr;
    throw EnvironmentError(path + ": is damaged: the HDF5 library crashes on it");
  }
  way_out = &here;
  struct Leaving {
    Leaving() = default;
    ~Leaving() { way_out = nullptr; }
    Leaving(const Leaving&) = delete;
    Leaving& operator=(const Leaving&) = delete;
  } const leaving;
  return look();
}

}  // namespace

std::string in_own_process(const std::string& path, const std::function<std::string()>& look) {
  [[maybe_unused]] static const bool catches = begin_to_catch();
  const Turn turn;
  try {
    return caught(path, look);
  } catch (const std::bad_alloc&) {
    throw EnvironmentError(path + ": there is not enough memory for what it says it holds");
  }
}

}  // namespace plumbline::hdf5

// The sanitizer's own `new` ends the program where there is no memory; this one throws, as it must. All forms
// without an alignment are here: the sanitizer takes a block of its own `new` amiss in this `delete`.
void* operator new(std::size_t size, const std::nothrow_t& /*none*/) noexcept {
  return std::malloc(size == 0 ? 1 : size);
}
void* operator new[](std::size_t size, const std::nothrow_t& none) noexcept {
  return operator new(size, none);
}
void* operator new(std::size_t size) {
  void* const block = operator new(size, std::nothrow);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t /*size*/) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t /*size*/) noexcept { std::free(block); }
void operator delete(void* block, const std::nothrow_t& /*none*/) noexcept { std::free(block); }
void operator delete[](void* block, const std::nothrow_t& /*none*/) noexcept { std::free(block); }
