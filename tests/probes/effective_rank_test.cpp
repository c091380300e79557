// SPDX-License-Identifier: Apache-2.0
// Effective ranks by the singular values that rotations find, and where they are known.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "tests/kernels/on_threads.hpp"
#include "tests/network/net_and_batch.hpp"
#include "tests/oracle/jacobi_rotations.hpp"
#include "tests/probes/measured.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

// Singular values to some 33 roundings of 2^-53 of the largest, times -ln p of at most 40: some 1e-13; the
// probe promises 1e-10.
constexpr double kPromised = 1e-10;

using oracle::Row;
using oracle::Rows;

double naive_effective_rank(const Rows& a) {
  const Row sigma = oracle::singular_values(a);
  long double sum = 0;
  for (const double s : sigma) sum += s;
  long double entropy = 0;
  for (const double s : sigma) {
    if (s > 0) entropy -= s / sum * std::log(s / sum);
  }
  return static_cast<double>(std::exp(entropy));
}

template <typename T>
ProbeAlone<T> measured(const NetAndBatch<T>& example, int threads = 1) {
  ProbeAlone<T> probe("effective_rank", {}, probed_run(example));
  OnThreads(threads).run([&] { probe->before_update(snapshot_of(example), probe.readings()); });
  return probe;
}

template <typename T>
void expect_ranks_of_the_oracle(const NetAndBatch<T>& example, const ProbeAlone<T>& probe,
                                double tolerance) {
  const oracle::NaiveNetwork network = example.naive_network();
  const oracle::NaiveStep step = example.naive_step();
  for (std::size_t l = 1; l <= network.depth(); ++l) {
    Rows activations;
    for (const Row& input : example.naive_inputs()) {
      activations.push_back(network.forward(example.naive_parameters(), input).a[l]);
    }
    const double expected = naive_effective_rank(activations);
    EXPECT_NEAR(probe["activation_effective_rank"][l - 1], expected, tolerance) << l;
    EXPECT_GT(expected, 1.2) << "a rank of 1 would be found without any sum";

    const std::size_t cols = network.outputs(l - 1);
    Rows gradient;
    for (std::size_t i = 0; i < network.units(l); ++i) {
      const double* row = step.gradient.data() + network.offset(l) + i * cols;
      gradient.emplace_back(row, row + cols);
    }
    EXPECT_NEAR(probe["gradient_effective_rank"][l - 1], naive_effective_rank(gradient), tolerance)
        << l;
  }
}

TEST(EffectiveRank, IsThatOfTheOraclesActivationsAndGradients) {
  for (const int threads : {1, 2}) {
    NetAndBatch<double> example({.sizes = {7, 19, 6, 33, 3}, .batch = 11}, 3);
    example.step();
    expect_ranks_of_the_oracle(example, measured(example, threads), kPromised);
  }
}

// Of float32's gradients: their own roundings of 6e-8, some tens of them.
TEST(EffectiveRank, IsTakenInDoubleOfANetOfFloats) {
  NetAndBatch<float> example({.sizes = {7, 9, 6, 3}, .batch = 11}, 3);
  example.step();
  expect_ranks_of_the_oracle(example, measured(example), 1e-4);
}

TEST(EffectiveRank, OfOneExampleIsOne) {
  NetAndBatch<double> example({.sizes = {7, 19, 6, 3}, .batch = 1}, 3);
  example.step();
  const ProbeAlone<double> probe = measured(example);
  for (std::size_t l = 0; l < 3; ++l) {
    EXPECT_NEAR(probe["activation_effective_rank"][l], 1, kPromised);
    EXPECT_NEAR(probe["gradient_effective_rank"][l], 1, kPromised);
  }
}

// Linear layers with singular values 3, 1 and 1, 0 on inputs +- e_k: p = (3/4, 1/4), and rank 1.
TEST(EffectiveRank, OfKnownSingularValuesIsKnown) {
  NetAndBatch<double> example({.sizes = {2, 2, 2}, .activation = "linear", .batch = 2}, 3);
  example.parameters = {3, 0, 0, -1, 0, 0, 1, 0, 0, 0, 0, 0};
  const std::vector<double> axes = {1, 0, 0, 1};
  const MatrixView<const double> inputs{axes.data(), 2, 2, 2};
  example.network.forward(example.parameters, inputs);
  Snapshot<double> at = snapshot_of(example);
  at.inputs = inputs;
  ProbeAlone<double> probe("effective_rank", {}, probed_run(example));
  probe->before_update(at, probe.readings());
  const double entropy = -(0.75 * std::log(0.75) + 0.25 * std::log(0.25));
  EXPECT_NEAR(probe["activation_effective_rank"][0], std::exp(entropy), kPromised);
  EXPECT_NEAR(probe["activation_effective_rank"][1], 1, kPromised);
  EXPECT_TRUE(std::isnan(probe["gradient_effective_rank"][0])) << "there is no gradient yet";
}

// Of a sigmoid net the gradient of the first layers is small, and its square is no float.
TEST(EffectiveRank, HoldsWhereSquaresUnderflow) {
  NetAndBatch<double> example({.sizes = {7, 9, 6, 3}, .batch = 11}, 3);
  example.step();
  const double expected = measured(example)["gradient_effective_rank"][1];
  for (double& g : example.gradient) g *= 0x1p-900;
  EXPECT_NEAR(measured(example)["gradient_effective_rank"][1], expected, kPromised);
}

TEST(EffectiveRank, OfARunIsAtMostItsBatchAndItsUnits) {
  const RunRecord record = trained(
      with(small_run(), {{"train.batch", node(9)}, {"probes.effective_rank.every", node(10)}}));
  for (const char* name : {"activation_effective_rank", "gradient_effective_rank"}) {
    for (const double rank : metric(record, name)) {
      EXPECT_GE(rank, 1);
      EXPECT_LE(rank, 9);
    }
  }
}

TEST(EffectiveRank, SaysNothingOfTheFirstStepsGradientInARecurrentNet) {
  const RunRecord record = trained({{"data.name", node("adding_problem")},
                                    {"data.steps", node(4)},
                                    {"data.train", node(64)},
                                    {"data.valid", node(16)},
                                    {"loss.name", node("mean_squared_error")},
                                    {"model.kind", node("lstm")},
                                    {"model.depth", node(1)},
                                    {"model.width", node(5)},
                                    {"train.batch", node(8)},
                                    {"train.steps", node(2)},
                                    {"probes.effective_rank.every", node(1)}});
  const std::vector<double>& ranks = metric(record, "gradient_effective_rank");
  EXPECT_TRUE(std::isnan(ranks[0]));
  EXPECT_GE(ranks[1], 1);
  EXPECT_TRUE(std::ranges::all_of(metric(record, "activation_effective_rank"),
                                  [](double rank) { return rank >= 1; }));
}

}  // namespace
}  // namespace plumbline
