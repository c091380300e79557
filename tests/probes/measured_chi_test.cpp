// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <string>

#include "tests/kernels/on_threads.hpp"
#include "tests/network/net_and_batch.hpp"
#include "tests/probes/measured.hpp"

namespace plumbline {
namespace {

// Sums of at most 33 x 19 squares, each with a rounding of 2^-53: some 1e-13; the probe promises 1e-10.
constexpr double kPromised = 1e-10;

double naive_chi(const NetAndBatch<double>& example, std::size_t layer) {
  const oracle::NaiveNetwork network = example.naive_network();
  const oracle::Row w =
      part_of(example.parameters, example.network.layer(layer).weight());  // of layer + 1
  double squares = 0;
  for (const double value : w) squares += value * value / static_cast<double>(w.size());
  double slopes = 0;
  double count = 0;
  for (const oracle::Row& input : example.naive_inputs()) {
    const oracle::Row z = network.forward(example.naive_parameters(), input).z[layer];
    const oracle::Rows jacobian = network.activation_of(layer).slopes(z, {});
    for (std::size_t j = 0; j < z.size(); ++j) {
      slopes += jacobian[j][j] * jacobian[j][j];
      count += 1;
    }
  }
  return static_cast<double>(network.sizes[layer]) * squares * slopes / count;
}

TEST(MeasuredChiTest, IsTheWeightsVarianceTimesTheMeanSquareOfTheSlopes) {
  for (const std::string activation : {"tanh", "relu", "sigmoid", "gelu", "linear"}) {
    for (const int threads : {1, 2}) {
      NetAndBatch<double> example(
          {.sizes = {7, 19, 6, 33, 3}, .activation = activation, .batch = 13}, 3);
      example.step();
      ProbeAlone<double> probe("measured_chi", {}, probed_run(example));
      OnThreads(threads).run([&] { probe->before_update(snapshot_of(example), probe.readings()); });
      for (std::size_t l = 1; l < example.network.depth(); ++l) {
        const double expected = naive_chi(example, l);
        EXPECT_NEAR(probe["measured_chi"][l - 1], expected, kPromised * expected)
            << activation << ", layer " << l;
      }
      EXPECT_TRUE(std::isnan(probe["measured_chi"].back()));
    }
  }
}

}  // namespace
}  // namespace plumbline
