// SPDX-License-Identifier: Apache-2.0
// Probes of weights, gradients and updates against their formulas, one number at a time.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <vector>

#include "tests/kernels/on_threads.hpp"
#include "tests/network/net_and_batch.hpp"
#include "tests/probes/measured.hpp"

namespace plumbline {
namespace {

// Sums of at most 33 x 19 products, each with a rounding of 2^-53: some 1e-13; the probes promise 1e-10.
constexpr double kPromised = 1e-10;

using oracle::Row;

double naive_dot(const Row& u, const Row& v) {
  long double sum = 0;
  for (std::size_t i = 0; i < u.size(); ++i) sum += static_cast<long double>(u[i]) * v[i];
  return static_cast<double>(sum);
}
double naive_norm(const Row& u) { return std::sqrt(naive_dot(u, u)); }
double naive_cosine(const Row& u, const Row& v) {
  return naive_dot(u, v) / (naive_norm(u) * naive_norm(v));
}
Row difference(const Row& after, const Row& before) {
  Row d(after.size());
  for (std::size_t i = 0; i < d.size(); ++i) d[i] = after[i] - before[i];
  return d;
}

// Two steps of gradient descent with noise on the second one, which leaves every third weight alone.
struct TwoUpdates {
  NetAndBatch<double> example{{.sizes = {7, 19, 6, 33, 3}, .batch = 5}, 3};
  std::vector<double> first;
  std::vector<double> second;
  std::vector<double> third;
  std::vector<double> first_gradient;
  std::vector<double> second_gradient;

  TwoUpdates() {
    first = example.parameters;
    example.step();
    first_gradient = example.gradient;
    second = first;
    for (std::size_t i = 0; i < second.size(); ++i) second[i] -= 0.1 * first_gradient[i];
    example.parameters = second;
    example.step();
    second_gradient = example.gradient;
    third = second;
    Random random(5, RandomStream::noise, 0);
    for (std::size_t i = 0; i < third.size(); ++i) {
      const double noise = random.normal();
      if (i % 3 != 0) third[i] -= 0.1 * (second_gradient[i] + 0.01 * noise);
    }
  }

  Snapshot<double> at(std::int64_t step) const {
    Snapshot<double> snapshot = snapshot_of(example);
    snapshot.step = step;
    snapshot.parameters = step == 0 ? first : second;
    snapshot.gradient = step == 0 ? first_gradient : second_gradient;
    return snapshot;
  }
  Update<double> update(std::int64_t step) const {
    return {.network = example.network,
            .before = step == 0 ? first : second,
            .after = step == 0 ? second : third,
            .gradient = step == 0 ? first_gradient : second_gradient,
            .step = step};
  }
};

class UpdateProbesTest : public testing::TestWithParam<int> {
 protected:
  // Steps 0 and 1 as a run calls the probe that is due at step 1 alone.
  ProbeAlone<double> measured(const char* name) {
    ProbeAlone<double> probe(name, {}, probed_run(two_.example));
    NoExamples none;
    const RunningNet<double> net{two_.example.network, two_.example.loss_function(), none};
    OnThreads threads(GetParam());
    threads.run([&] {
      probe->see_before(two_.at(0));
      probe->see_update(two_.update(0));
      probe->before_update(two_.at(1), probe.readings());
      probe->after_update(two_.update(1), net, probe.readings());
    });
    return probe;
  }
  // The parts of one layer.
  Row part(const std::vector<double>& block, std::size_t l) const {
    return part_of(block, two_.example.network.layer(l).weight());
  }
  std::size_t depth() const { return two_.example.network.depth(); }

  TwoUpdates two_;
};

INSTANTIATE_TEST_SUITE_P(OnThreads, UpdateProbesTest, testing::Values(1, 2),
                         testing::PrintToStringParamName());

TEST_P(UpdateProbesTest, WeightNormIsThatOfTheWeightsAlone) {
  const auto probe = measured("weight_norm");
  for (std::size_t l = 0; l < depth(); ++l) {
    const double expected = naive_norm(part(two_.second, l));
    EXPECT_NEAR(probe["weight_norm"][l], expected, kPromised * expected);
  }
}

TEST_P(UpdateProbesTest, UpdateNormAndRatioAreOfTheUpdateBehindTheStep) {
  const auto norms = measured("update_norm");
  const auto ratios = measured("update_ratio");
  for (std::size_t l = 0; l < depth(); ++l) {
    const double expected = naive_norm(difference(part(two_.third, l), part(two_.second, l)));
    EXPECT_NEAR(norms["update_norm"][l], expected, kPromised * expected);
    const double ratio = expected / naive_norm(part(two_.second, l));
    EXPECT_NEAR(ratios["update_ratio"][l], ratio, kPromised * ratio);
  }
}

TEST_P(UpdateProbesTest, UpdateAngleIsThatBetweenTheTwoUpdates) {
  const auto probe = measured("update_angle");
  for (std::size_t l = 0; l < depth(); ++l) {
    const double expected =
        std::acos(naive_cosine(difference(part(two_.third, l), part(two_.second, l)),
                               difference(part(two_.second, l), part(two_.first, l))));
    EXPECT_NEAR(probe["update_angle"][l], expected, kPromised);
    EXPECT_GT(expected, 0.1) << "else the angle is not tested";
    EXPECT_LT(expected, std::numbers::pi / 2);
  }
}

TEST_P(UpdateProbesTest, GradientCosineIsWithTheStepBeforeAndWithSteepestDescent) {
  const auto probe = measured("gradient_cosine");
  for (std::size_t l = 0; l < depth(); ++l) {
    const Row g = part(two_.second_gradient, l);
    EXPECT_NEAR(probe["gradient_cosine"][l], naive_cosine(g, part(two_.first_gradient, l)),
                kPromised);
    const double descent = -naive_cosine(difference(part(two_.third, l), part(two_.second, l)), g);
    EXPECT_NEAR(probe["descent_cosine"][l], descent, kPromised);
    EXPECT_GT(descent, 0.5) << "most of the update goes down";
    EXPECT_LT(descent, 0.99);
  }
}

TEST_P(UpdateProbesTest, StalledUpdateCountsTheWeightsThatStay) {
  const auto probe = measured("stalled_update");
  for (std::size_t l = 0; l < depth(); ++l) {
    const Row before = part(two_.second, l);
    const Row after = part(two_.third, l);
    double stalled = 0;
    for (std::size_t i = 0; i < before.size(); ++i) stalled += before[i] == after[i] ? 1 : 0;
    EXPECT_EQ(probe["stalled_update"][l], stalled / static_cast<double>(before.size()));
    EXPECT_NEAR(probe["stalled_update"][l], 1.0 / 3, 0.05);
  }
}

TEST(UpdateProbesAlone, SayNothingWithoutAStepBefore) {
  const TwoUpdates two;
  NetAndBatch<double> example({.sizes = {7, 19, 6, 33, 3}, .batch = 5}, 3);
  NoExamples none;
  const RunningNet<double> net{example.network, example.loss_function(), none};
  ProbeAlone<double> angle("update_angle", {}, probed_run(example));
  angle->after_update(two.update(0), net, angle.readings());
  EXPECT_TRUE(std::isnan(angle["update_angle"][0]));
  ProbeAlone<double> cosine("gradient_cosine", {}, probed_run(example));
  cosine->before_update(two.at(0), cosine.readings());
  EXPECT_TRUE(std::isnan(cosine["gradient_cosine"][0]));
}

TEST(UpdateProbesAlone, CosineHoldsWhereSquaresUnderflow) {
  TwoUpdates two;
  for (std::vector<double>* gradient : {&two.first_gradient, &two.second_gradient}) {
    for (double& g : *gradient) g *= 0x1p-900;
  }
  ProbeAlone<double> probe("gradient_cosine", {}, probed_run(two.example));
  probe->see_before(two.at(0));
  probe->before_update(two.at(1), probe.readings());
  for (std::size_t l = 0; l < two.example.network.depth(); ++l) {
    const ParameterTensor& weight = two.example.network.layer(l).weight();
    Row g = part_of(two.second_gradient, weight);
    Row before = part_of(two.first_gradient, weight);
    for (double& value : g) value *= 0x1p900;
    for (double& value : before) value *= 0x1p900;
    EXPECT_NEAR(probe["gradient_cosine"][l], naive_cosine(g, before), kPromised);
  }
}

}  // namespace
}  // namespace plumbline
