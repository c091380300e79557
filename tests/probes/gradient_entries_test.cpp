// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "tests/kernels/on_threads.hpp"
#include "tests/network/net_and_batch.hpp"
#include "tests/probes/measured.hpp"

namespace plumbline {
namespace {

// A sum of at most 33 x 19 squares, each with a rounding of 2^-53: some 1e-13; the probe promises 1e-10.
constexpr double kPromised = 1e-10;

template <typename T>
void expect_entries_of(int threads) {
  constexpr T kLeastNormal = std::numeric_limits<T>::min();
  NetAndBatch<T> example({.sizes = {7, 19, 6, 33, 3}, .batch = 5}, 3);
  example.step();
  // Every fifth entry 0, every seventh subnormal, which is none of the others where it is not 0.
  for (std::size_t i = 0; i < example.gradient.size(); ++i) {
    if (i % 7 == 0) example.gradient[i] = kLeastNormal / 2;
    if (i % 5 == 0) example.gradient[i] = 0;
  }
  ProbeAlone<T> probe("gradient_entries", {}, probed_run(example));
  OnThreads(threads).run([&] { probe->before_update(snapshot_of(example), probe.readings()); });
  for (std::size_t l = 0; l < example.network.depth(); ++l) {
    const oracle::Row g = part_of(example.gradient, example.network.layer(l).weight());
    double squares = 0;
    double zeros = 0;
    double subnormal = 0;
    for (const double value : g) {
      squares += value * value;
      zeros += value == 0 ? 1 : 0;
      subnormal += value != 0 && std::abs(value) < static_cast<double>(kLeastNormal) ? 1 : 0;
    }
    const auto size = static_cast<double>(g.size());
    const double rms = std::sqrt(squares / size);
    EXPECT_NEAR(probe["gradient_rms"][l], rms, kPromised * rms);
    EXPECT_EQ(probe["gradient_max"][l], largest(g));
    EXPECT_EQ(probe["gradient_zero_share"][l], zeros / size);
    EXPECT_EQ(probe["gradient_subnormal_share"][l], subnormal / size);
    EXPECT_GT(zeros, 0);
    EXPECT_GT(subnormal, 0);
  }
}

TEST(GradientEntriesTest, AreWhatStandsInTheGradientInDoublePrecision) {
  for (const int threads : {1, 2}) expect_entries_of<double>(threads);
}

TEST(GradientEntriesTest, AreSubnormalByTheRunsOwnPrecision) { expect_entries_of<float>(1); }

}  // namespace
}  // namespace plumbline
