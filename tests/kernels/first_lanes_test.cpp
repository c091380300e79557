// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/first_lanes.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>

namespace plumbline {
namespace {

/// Memory whose end is followed by a page that nobody may touch.
class BeforeAWall {
 public:
  BeforeAWall() {
    block_ = mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block_ == MAP_FAILED || mprotect(end(), page_, PROT_NONE) != 0) std::abort();
  }
  ~BeforeAWall() { munmap(block_, 2 * page_); }
  BeforeAWall(const BeforeAWall&) = delete;
  BeforeAWall& operator=(const BeforeAWall&) = delete;

  /// The last `n` numbers before the wall.
  template <typename T>
  T* last(std::size_t n) const {
    return reinterpret_cast<T*>(end()) - n;
  }

 private:
  char* end() const { return static_cast<char*>(block_) + page_; }

  std::size_t page_ = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* block_ = nullptr;
};

template <typename T>
class FirstLanesTest : public testing::Test {};
using Precisions = testing::Types<float, double>;
TYPED_TEST_SUITE(FirstLanesTest, Precisions);

TYPED_TEST(FirstLanesTest, LoadsTheFirstLanesAndTouchesNothingBeyondThem) {
  using T = TypeParam;
  constexpr std::size_t kLanes = FirstLanes<T>::kLanes;
  const BeforeAWall memory;
  for (std::size_t n = 0; n <= kLanes; ++n) {
    T* from = memory.last<T>(n);
    for (std::size_t i = 0; i < n; ++i) from[i] = static_cast<T>(i + 1);
    std::array<T, kLanes> lanes;
    FirstLanes<T>(n).load(from).store_unaligned(lanes.data());
    for (std::size_t i = 0; i < kLanes; ++i) {
      EXPECT_EQ(lanes[i], i < n ? static_cast<T>(i + 1) : T(0)) << i << " of " << n;
    }
  }
}

TYPED_TEST(FirstLanesTest, StoresTheFirstLanesAndTouchesNothingBeyondThem) {
  using T = TypeParam;
  constexpr std::size_t kLanes = FirstLanes<T>::kLanes;
  std::array<T, kLanes> lanes;
  for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = static_cast<T>(i + 1);
  const auto batch = xsimd::batch<T>::load_unaligned(lanes.data());
  const BeforeAWall memory;
  for (std::size_t n = 0; n <= kLanes; ++n) {
    T* to = memory.last<T>(n);
    std::fill(to - kLanes, to + n, T(-1));
    FirstLanes<T>(n).store(to, batch);
    EXPECT_EQ(to[-1], T(-1));
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(to[i], lanes[i]) << i << " of " << n;
  }
}

}  // namespace
}  // namespace plumbline
