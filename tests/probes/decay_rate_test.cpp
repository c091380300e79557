// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/kernels/on_threads.hpp"
#include "tests/network/net_and_batch.hpp"
#include "tests/probes/measured.hpp"

namespace plumbline {
namespace {

// Norms are right to 1e-12, and slopes divide their logarithms by a few layers; the probe promises 1e-10.
constexpr double kPromised = 1e-10;

struct Line {
  double slope = 0;
  double error = 0;
};

// By the normal equations, in long double.
Line naive_line(const std::vector<double>& x, std::size_t first, std::size_t last) {
  long double n = 0, sl = 0, sy = 0, sll = 0, sly = 0, syy = 0;
  for (std::size_t l = first; l <= last; ++l) {
    const long double y = std::log(static_cast<long double>(x[l - 1]));
    const auto at = static_cast<long double>(l);
    n += 1, sl += at, sy += y, sll += at * at, sly += at * y, syy += y * y;
  }
  const long double ll = sll - sl * sl / n;
  const long double slope = (sly - sl * sy / n) / ll;
  const long double squares = syy - sy * sy / n - slope * slope * ll;
  return {static_cast<double>(slope), static_cast<double>(std::sqrt(squares / (n - 2) / ll))};
}

std::vector<double> of_layers(const char* name, const NetAndBatch<double>& example) {
  ProbeAlone<double> probe(name, {}, probed_run(example));
  probe->before_update(snapshot_of(example), probe.readings());
  return probe[name];
}

void expect_line(const std::vector<Setting>& settings, std::size_t first, std::size_t last,
                 int threads) {
  NetAndBatch<double> example(
      {.sizes = {7, 19, 6, 33, 11, 8, 3}, .activation = "sigmoid", .batch = 5}, 3);
  example.step();
  ProbeAlone<double> probe("decay_rate", settings, probed_run(example));
  OnThreads(threads).run([&] { probe->before_update(snapshot_of(example), probe.readings()); });
  for (const std::string of : {"gradient_norm", "error_signal"}) {
    const std::vector<double> x = of_layers(of.c_str(), example);
    const Line line = naive_line(x, first, last);
    EXPECT_NEAR(probe[of + "_slope"][0], line.slope, kPromised) << of;
    EXPECT_NEAR(probe[of + "_slope_error"][0], line.error, kPromised) << of;
    EXPECT_NEAR(probe[of + "_xi"][0], 1 / (2 * line.slope), kPromised / (line.slope * line.slope));
    EXPECT_NEAR(probe[of + "_log_ratio"][0], std::log(x[first - 1] / x[last - 1]), kPromised);
    EXPECT_GT(std::abs(line.slope), 0.05) << "else there is no decay to measure";
    EXPECT_GT(line.error, 1e-3);
  }
}

TEST(DecayRateTest, IsTheLineThroughTheLogarithmsOfAllLayers) {
  for (const int threads : {1, 2}) expect_line({}, 1, 6, threads);
}

TEST(DecayRateTest, LeavesOutLayersAtTheEndsWhereToldSo) {
  expect_line({{"first_layer", node(2)}, {"last_layer", node(5)}}, 2, 5, 1);
}

TEST(DecayRateTest, LeavesOutLayersWithoutAGradient) {
  NetAndBatch<double> example({.sizes = {7, 5, 5, 5, 3}, .batch = 5}, 3);
  example.step();
  const ParameterTensor& second = example.network.layer(1).weight();
  for (std::size_t i = 0; i < second.size(); ++i) example.gradient[second.offset + i] = 0;
  ProbeAlone<double> probe("decay_rate", {}, probed_run(example));
  probe->before_update(snapshot_of(example), probe.readings());
  EXPECT_TRUE(std::isfinite(probe["gradient_norm_slope"][0]));
  EXPECT_TRUE(std::isfinite(probe["gradient_norm_slope_error"][0]));
}

TEST(DecayRateTest, IsUndefinedOfOneLayer) {
  const NetAndBatch<double> example({.sizes = {7, 3}, .batch = 5}, 3);
  const auto kind = make_plugin(probe_catalogue(), "decay_rate");
  EXPECT_EQ(kind->undefined(0, probed_run(example)), "a line needs two layers");
}

}  // namespace
}  // namespace plumbline
