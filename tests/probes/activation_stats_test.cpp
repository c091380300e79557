// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/kernels/on_threads.hpp"
#include "tests/network/net_and_batch.hpp"
#include "tests/probes/batch_as_examples.hpp"
#include "tests/probes/measured.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

// Fourth powers of at most 33 x 17 numbers, added: some 1e-13 of them; the probe promises 1e-10.
constexpr double kPromised = 1e-10;

using oracle::Row;
using oracle::Rows;

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
  BatchAsExamples<double> examples(example);
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

class RandomImages final : public FirstExamples<double> {
 public:
  RandomImages(std::size_t count, std::size_t size) : count_(count), values_(count * size) {
    Random random(5, RandomStream::data, 0);
    for (double& value : values_) value = random.normal();
  }
  std::size_t size() const override { return count_; }
  MatrixView<const double> inputs(std::size_t first, std::size_t count) override {
    const std::size_t size = values_.size() / count_;
    return {values_.data() + first * size, count, size, size};
  }
  Targets<double> targets() const override { return {}; }

 private:
  std::size_t count_;
  std::vector<double> values_;
};

// A relu's slope is 0 where its output is, and in no other place.
TEST(ActivationStatsTest, CountEachPixelOfAConvolutionAsAUnit) {
  const RunConfiguration run = configured(with(small_run(), {{"model.kind", node("cnn")},
                                                             {"model.depth", node(3)},
                                                             {"model.width", node(5)},
                                                             {"model.pool_every", node(1)},
                                                             {"model.activation", node("relu")},
                                                             {"model.precision", node("float64")},
                                                             {"train.batch", node(7)}}));
  const ProbedRun probed = run.probed();
  Network<double> network(run.model, probed.input, probed.outputs, probed.batch);
  std::vector<double> parameters(network.layout().size());
  network.initialize(*run.model.initializer, 1, parameters);
  RandomImages images(probed.batch, probed.input.size());
  ProbeAlone<double> probe("activation_stats", {{"examples", node(7)}}, probed);
  probe->running_net({.network = network, .parameters = parameters, .gradient = {}},
                     {network, *run.loss, images}, probe.readings());
  double dead = 0;
  for (std::size_t l = 0; l + 1 < network.depth(); ++l) {
    const MatrixView<const double> a = network.layer(l).output();
    double zeros = 0;
    double silent = 0;
    for (std::size_t j = 0; j < a.cols; ++j) {
      double of_unit = 0;
      for (std::size_t i = 0; i < a.rows; ++i) of_unit += a(i, j) == 0 ? 1 : 0;
      zeros += of_unit;
      silent += of_unit == static_cast<double>(a.rows) ? 1 : 0;
    }
    EXPECT_EQ(probe["saturated_share"][l], zeros / static_cast<double>(a.rows * a.cols));
    EXPECT_EQ(probe["dead_share"][l], silent / static_cast<double>(a.cols));
    dead += silent;
  }
  EXPECT_GT(dead, 0) << "else no dead unit is looked for";
  EXPECT_EQ(probe["saturated_share"].back(), 0) << "of linear outputs";
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
