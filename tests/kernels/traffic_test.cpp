// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/traffic.hpp"

#include <cstddef>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace plumbline {
namespace {

// Around multiples of 4, 8 and 16 lanes, and of four parts of them.
constexpr std::size_t kSizes[] = {0, 1, 15, 16, 17, 63, 64, 65, 1000, 1024};

std::vector<float> counted(std::size_t size) {
  std::vector<float> x(size);
  std::iota(x.begin(), x.end(), 1.0F);
  return x;
}

std::vector<float> twice(std::vector<float> x) {
  for (float& one : x) one *= 2;
  return x;
}

TEST(ScaledCopyTest, WritesEachNumberOnceAndLeavesTheSourceAlone) {
  for (const std::size_t size : kSizes) {
    const std::vector<float> from = counted(size);
    std::vector<float> to(size, -1);
    EXPECT_EQ(scaled_copy(from, 2, to), 2.0 * 4 * static_cast<double>(size));
    EXPECT_EQ(to, twice(from));
    EXPECT_EQ(from, counted(size));
  }
}

TEST(ScaledInPlaceTest, TouchesEachNumberOnce) {
  for (const std::size_t size : kSizes) {
    std::vector<float> x = counted(size);
    EXPECT_EQ(scaled_in_place(x, 2), 2.0 * 4 * static_cast<double>(size));
    EXPECT_EQ(x, twice(counted(size))) << size;
  }
}

}  // namespace
}  // namespace plumbline
