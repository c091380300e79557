// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <vector>

#include "tests/kernels/on_threads.hpp"
#include "tests/network/net_and_batch.hpp"
#include "tests/probes/measured.hpp"

namespace plumbline {
namespace {

std::vector<double> correlations(NetAndBatch<double>& example, double input_correlation,
                                 int threads = 1) {
  ProbeAlone<double> probe("correlation",
                           {{"input_correlation", node(input_correlation)}, {"pairs", node(5)}},
                           probed_run(example));
  NoExamples none;
  OnThreads(threads).run([&] {
    probe->running_net(snapshot_of(example), {example.network, example.loss_function(), none},
                       probe.readings());
  });
  return probe["correlation"];
}

// c of the rectifier's outputs for jointly normal sums of correlation c: the arc-cosine kernel of degree 1.
// Cho & Saul, NIPS 2009.
double arc_cosine(double c) {
  return (std::sqrt(1 - c * c) + c * (std::numbers::pi - std::acos(c))) / std::numbers::pi;
}

TEST(CorrelationTest, OfOneInputTwiceIsOneInEveryLayer) {
  NetAndBatch<double> example({.sizes = {9, 19, 6, 3}, .batch = 7}, 3);
  // Two sums of the same 19 numbers, and the root of a product: a few roundings of 2^-53.
  for (const double c : correlations(example, 1)) EXPECT_NEAR(c, 1, 1e-14);
}

// The weights of a square orthogonal first layer keep angles, so that c_1 is exactly the inputs'.
TEST(CorrelationTest, BehindAnOrthogonalLayerIsThatOfTheInputs) {
  for (const int threads : {1, 2}) {
    for (const double c0 : {-0.5, 0.0, 0.6}) {
      NetAndBatch<double> example({.sizes = {9, 9, 3}, .batch = 7, .bias_variance = 0}, 3);
      const ParameterTensor& first = example.network.layer(0).weight();
      // A reflection: I - 2 w w^T with |w| = 1.
      for (std::size_t i = 0; i < 9; ++i) {
        for (std::size_t j = 0; j < 9; ++j) {
          example.parameters[first.offset + 9 * i + j] = (i == j ? 1.0 : 0.0) - 2.0 / 9;
        }
      }
      // Gram and Schmidt in double, and a product of 9 terms; the probe promises 1e-10.
      EXPECT_NEAR(correlations(example, c0, threads)[0], c0, 1e-10);
    }
  }
}

TEST(CorrelationTest, FollowsTheMapOfTheoryInAWideRectifierNet) {
  NetAndBatch<double> example({.sizes = {400, 1000, 1000, 1000, 3},
                               .activation = "relu",
                               .batch = 10,
                               .weight_variance = 2,
                               .bias_variance = 0},
                              3);
  const std::vector<double> c = correlations(example, 0.2);
  double expected = 0.2;
  for (std::size_t l = 0; l < 3; ++l) {
    // A cosine of two sums of 1000 terms has a standard error of some 1 / sqrt(1000), and five pairs share
    // the weights; the step of the map under test is 0.2 at first.
    EXPECT_NEAR(c[l], expected, 0.06) << l;
    expected = arc_cosine(expected);
  }
}

TEST(CorrelationTest, IsUndefinedWhereTwoInputsDoNotFit) {
  const NetAndBatch<double> example({.sizes = {9, 5, 3}, .batch = 1}, 3);
  const auto kind = make_plugin(probe_catalogue(), "correlation");
  EXPECT_EQ(kind->undefined(0, probed_run(example)), "two inputs do not fit a batch of one");
}

}  // namespace
}  // namespace plumbline
