// SPDX-License-Identifier: Apache-2.0
// Large blocks of these programs stand on pages of 2 MiB where the system has any to give: a step of a
// net of some MB then waits less for address translation. Others that hold more than a few numbers
// begin at a cache line, so that no SIMD load of a whole line needs two. Linked into programs alone,
// never into the library, as it replaces their operator new.
#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kLeastSize = 2 * kHugePage;

void* allocated(std::size_t size) {
  if (size < kCacheLine) return std::malloc(size == 0 ? 1 : size);
  if (size < kLeastSize) {
    return std::aligned_alloc(kCacheLine, (size + kCacheLine - 1) / kCacheLine * kCacheLine);
  }
  const std::size_t rounded = (size + kHugePage - 1) / kHugePage * kHugePage;
  void* block = std::aligned_alloc(kHugePage, rounded);
  // A hint: where it is not taken, the block is as any other.
  if (block != nullptr) madvise(block, rounded, MADV_HUGEPAGE);
  return block;
}

}  // namespace

// All forms for one object without an alignment of its own: a sanitizer that has its own of any of them takes
// a block that passes from one to the other amiss.
void* operator new(std::size_t size, const std::nothrow_t& /*none*/) noexcept {
  return allocated(size);
}
void* operator new(std::size_t size) {
  void* block = allocated(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t /*size*/) noexcept { std::free(block); }
void operator delete(void* block, const std::nothrow_t& /*none*/) noexcept { std::free(block); }
