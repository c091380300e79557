// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/sum.hpp"

#include <gtest/gtest.h>

#include <cstddef>

namespace plumbline {
namespace {

TEST(SumOf, AddsEachTermOnce) {
  for (std::size_t n = 0; n <= 100; ++n) {
    const double sum = sum_of(n, [](std::size_t i) { return static_cast<double>(i + 1); });
    EXPECT_EQ(sum, static_cast<double>(n * (n + 1) / 2)) << n;
  }
}

TEST(SumOf, HasSixteenPartialSums) {
  // The two large terms meet in partial 0; in one chain they would swallow the fifteen others.
  const double sum = sum_of(17, [](std::size_t i) { return i == 0 ? 1e17 : i == 16 ? -1e17 : 1; });
  EXPECT_EQ(sum, 15);
}

}  // namespace
}  // namespace plumbline
