// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/kernels/on_threads.hpp"
#include "tests/network/net_and_batch.hpp"
#include "tests/probes/measured.hpp"

namespace plumbline {
namespace {

// Fourth powers of at most 33 x 17 numbers, added: some 1e-13 of them; the probe promises 1e-10.
constexpr double kPromised = 1e-10;

using oracle::Row;
using oracle::Rows;

// The batch of a test as the first examples of a training set.
class BatchAsExamples final : public FirstExamples<double> {
 public:
  explicit BatchAsExamples(const NetAndBatch<double>& example) : inputs_(example.inputs()) {}
  std::size_t size() const override { return inputs_.rows; }
  MatrixView<const double> inputs(std::size_t first, std::size_t count) override {
    return {inputs_.row(first), count, inputs_.cols, inputs_.stride};
  }
  Targets<double> targets() const override { return {}; }

 private:
  MatrixView<const double> inputs_;
};

struct NaiveStats {
  double mean = 0;
  double deviation = 0;
  double kurtosis = 0;
  double saturated = 0;
  double dead = 0;
};

NaiveStats naive_stats(const NetAndBatch<double>& example, std::size_t layer, double tau) {
  const oracle::NaiveNetwork network = example.naive_network();
  std::vector<long double> a;
  std::vector<bool> is_alive(network.units(layer), false);
  double flat = 0;
  double slopes = 0;
  for (const Row& input : example.naive_inputs()) {
    const auto pass = network.forward(example.naive_parameters(), input);
    a.insert(a.end(), pass.a[layer].begin(), pass.a[layer].end());
    const Rows jacobian = network.activation_of(layer).slopes(pass.z[layer], {});
    for (std::size_t j = 0; j < jacobian.size(); ++j) {
      const bool is_flat = std::abs(jacobian[j][j]) < tau;
      flat += is_flat ? 1 : 0;
      slopes += 1;
      if (!is_flat) is_alive[j] = true;
    }
  }
  const auto n = static_cast<long double>(a.size());
  long double mean = 0;
  for (const long double value : a) mean += value / n;
  long double second = 0;
  long double fourth = 0;
  for (const long double value : a) {
    const long double d = value - mean;
    second += d * d / n;
    fourth += d * d * d * d / n;
  }
  return {static_cast<double>(mean), static_cast<double>(std::sqrt(second)),
          static_cast<double>(fourth / (second * second)), flat / slopes,
          static_cast<double>(std::ranges::count(is_alive, false)) /
              static_cast<double>(is_alive.size())};
}

// The examples go through the net in batches of 17, of which the last has 5.
void expect_stats_of(const std::string& activation, double tau, int threads) {
  const NetChoice choice{.sizes = {7, 19, 6, 33, 3},
                         .activation = activation,
                         .batch = 39,
                         .weight_variance = 3,
                         .bias_variance = 1};
  NetAndBatch<double> example(choice, 3);
  ProbedRun run = probed_run(example);
  run.batch = 17;
  Network<double> network(example.model(), 7, 3, 17);
  ProbeAlone<double> probe("activation_stats", {{"tau", node(tau)}, {"examples", node(39)}}, run);
  BatchAsExamples examples(example);
  OnThreads(threads).run([&] {
    probe->running_net({.network = network, .parameters = example.parameters, .gradient = {}},
                       {network, example.loss_function(), examples}, probe.readings());
  });
  double dead = 0;
  for (std::size_t l = 1; l <= network.depth(); ++l) {
    const NaiveStats expected = naive_stats(example, l, tau);
    EXPECT_NEAR(probe["activation_mean"][l - 1], expected.mean, kPromised) << activation;
    EXPECT_NEAR(probe["activation_std"][l - 1], expected.deviation, kPromised);
    EXPECT_NEAR(probe["activation_kurtosis"][l - 1], expected.kurtosis,
                kPromised * expected.kurtosis);
    EXPECT_EQ(probe["saturated_share"][l - 1], expected.saturated) << activation << ' ' << l;
    EXPECT_EQ(probe["dead_share"][l - 1], expected.dead) << activation << ' ' << l;
    dead += expected.dead;
  }
  EXPECT_GT(dead, 0) << "else no dead unit is looked for";
}

TEST(ActivationStatsTest, AreThoseOfTheOraclesActivations) {
  for (const int threads : {1, 2}) {
    expect_stats_of("relu", 0.01, threads);
    expect_stats_of("tanh", 0.999, threads);
    expect_stats_of("sigmoid", 0.2499, threads);
  }
}

TEST(ActivationStatsTest, KnowNoSlopesBesidePlainStacksOfDenseLayers) {
  const NetAndBatch<double> maxout({.sizes = {7, 5, 3}, .activation = "maxout"}, 3);
  const auto kind = make_plugin(probe_catalogue(), "activation_stats");
  const ProbedRun run = probed_run(maxout);
  for (const std::size_t moment : {0, 1, 2}) EXPECT_EQ(kind->undefined(moment, run), "");
  for (const std::size_t share : {3, 4}) {
    EXPECT_EQ(kind->undefined(share, run),
              "the activation does not make each output of one sum alone");
  }
}

}  // namespace
}  // namespace plumbline
