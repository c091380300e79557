// SPDX-License-Identifier: Apache-2.0
// The top of the Hessian against all eigenvalues, by rotations, of a dense Hessian by differences of gradients.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/curvature/symmetric_operator.hpp"
#include "tests/curvature/curved_net.hpp"
#include "tests/kernels/on_threads.hpp"
#include "tests/network/net_and_batch.hpp"
#include "tests/oracle/jacobi_rotations.hpp"
#include "tests/probes/batch_as_examples.hpp"
#include "tests/probes/measured.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

using oracle::Row;
using oracle::Rows;

// Where a Hessian is exact, some 200 roundings of 2^-53 in each of its entries: 1e-13; the probe promises 1e-10.
constexpr double kPromised = 1e-10;
// Four-point differences of step 2^-8: (2^-8)^4 / 30 of a fifth derivative is 1e-11, and roundings 1e-14.
constexpr double kStep = 0x1p-8;
constexpr double kOfDifferences = 1e-8;

// As four_point_difference() has it, made symmetric. Exact, but for rounding, where the loss is quadratic.
Rows dense_hessian(NetAndBatch<double>& example, double step) {
  const std::vector<double> here = example.parameters;
  const std::size_t n = here.size();
  Rows hessian;
  for (std::size_t k = 0; k < n; ++k) {
    hessian.push_back(four_point_difference(
        [&](double by) {
          example.parameters = here;
          example.parameters[k] += by;
          example.step();
          return example.gradient;
        },
        step));
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      hessian[i][j] = hessian[j][i] = (hessian[i][j] + hessian[j][i]) / 2;
    }
  }
  example.parameters = here;
  example.step();
  return hessian;
}

// By products with the axes, which tests/curvature compare with differences; in double.
template <typename T>
Rows exact_hessian(const NetAndBatch<T>& example) {
  const Row parameters = example.naive_parameters();
  const Row inputs = flat(example.naive_inputs());
  const Row values = flat(example.naive_targets());
  const std::size_t rows = example.inputs().rows;
  const std::size_t features = example.inputs().cols;
  const std::size_t outputs = values.size() / rows;
  Targets<double> targets{example.targets().labels, {}};
  if (targets.labels.empty()) targets.values = {values.data(), rows, outputs, outputs};
  const std::shared_ptr<const Loss> loss(std::shared_ptr<void>(), &example.loss_function());
  HessianProduct<double> product(example.model(), Shape::vector(features), outputs, rows, loss);
  const std::size_t n = parameters.size();
  std::vector<double> gradient(n);
  product.move_to(parameters, {inputs.data(), rows, features, features}, targets, gradient);
  Rows hessian(n, Row(n));
  for (std::size_t k = 0; k < n; ++k) {
    std::vector<double> axis(n);
    axis[k] = 1;
    product.multiply(axis, hessian[k]);
  }
  return hessian;
}

template <typename T>
void measure(ProbeAlone<T>& probe, NetAndBatch<T>& example, const Snapshot<T>& at) {
  BatchAsExamples<T> examples(example, probe.kind().calls(probed_run(example)).examples);
  probe->running_net(at, {example.network, example.loss_function(), examples}, probe.readings());
}

// All products that the size allows, so that only rounding is left.
const std::vector<Setting> kToTheEnd = {
    {"count", node(5)}, {"iterations", node(200)}, {"tolerance", node(0.0)}};

template <typename T>
ProbeAlone<T> measured(NetAndBatch<T>& example, const std::vector<Setting>& settings = kToTheEnd) {
  ProbeAlone<T> probe("sharpness", settings, probed_run(example));
  measure(probe, example, snapshot_of(example));
  return probe;
}

void expect_top(const std::vector<double>& found, const Row& expected, double tolerance) {
  for (std::size_t k = 0; k < found.size(); ++k) {
    EXPECT_NEAR(found[k], expected[k], tolerance * expected[0]) << k;
  }
}

TEST(Sharpness, IsTheTopOfTheDenseHessian) {
  for (const char* loss : {"mean_squared_error", "cross_entropy"}) {
    NetAndBatch<double> example({.sizes = {5, 7, 6, 3}, .loss = loss, .batch = 9}, 3);
    const Row differences = oracle::symmetric_eigenvalues(dense_hessian(example, kStep));
    const Row exact = oracle::symmetric_eigenvalues(exact_hessian(example));
    for (const int threads : {1, 2}) {
      OnThreads(threads).run([&] {
        const ProbeAlone<double> probe = measured(example);
        ASSERT_EQ(probe["sharpness"].size(), 5);
        expect_top(probe["sharpness"], differences, kOfDifferences);
        expect_top(probe["sharpness"], exact, kPromised);
        EXPECT_TRUE(std::isnan(probe["stability_limit"][0])) << "there is no optimizer";
      });
    }
    EXPECT_GT(exact[0] - exact[4], 0.1 * exact[0]) << "else any of them would do";
  }
}

TEST(Sharpness, IsWithinItsErrorOfAnEigenvalueWhereTheSearchEndsEarly) {
  NetAndBatch<double> example({.sizes = {5, 7, 6, 3}, .batch = 9}, 3);
  const Row all = oracle::symmetric_eigenvalues(exact_hessian(example));
  const ProbeAlone<double> probe = measured(example, {{"iterations", node(4)}, {"count", node(2)}});
  for (std::size_t k = 0; k < 2; ++k) {
    const double value = probe["sharpness"][k];
    const double nearest = std::ranges::min(all, {}, [&](double x) { return std::abs(x - value); });
    EXPECT_LE(std::abs(nearest - value), probe["sharpness_error"][k] + kPromised * all[0]);
    EXPECT_GT(probe["sharpness_error"][k], 1e-6 * all[0]) << "four products do not find it";
  }
}

// At the floats that the net has, to more digits than they have.
TEST(Sharpness, OfANetOfFloatsIsFoundInDouble) {
  NetAndBatch<float> example({.sizes = {5, 7, 3}, .batch = 9}, 3);
  example.step();
  const Row expected = oracle::symmetric_eigenvalues(exact_hessian(example));
  expect_top(measured(example)["sharpness"], expected, kPromised);
}

// Nine examples in batches of four, of which the last has one.
TEST(Sharpness, OfExamplesThatAreMoreThanABatchIsThatOfAllTogether) {
  for (const char* loss : {"mean_squared_error", "cross_entropy"}) {
    NetAndBatch<double> example({.sizes = {5, 7, 3}, .loss = loss, .batch = 9}, 3);
    const Row expected = oracle::symmetric_eigenvalues(exact_hessian(example));
    ProbedRun run = probed_run(example);
    run.batch = 4;
    Network<double> network(example.model(), 5, 3, 4);
    const std::vector<Setting> settings = with(kToTheEnd, {{"examples", node(1000)}});
    ProbeAlone<double> probe("sharpness", settings, run);
    EXPECT_EQ(probe.kind().calls(run).examples, 1000);
    BatchAsExamples<double> examples(example);
    Snapshot<double> at = snapshot_of(example);
    at.inputs = at.inputs.first_rows(4);
    probe->running_net(at, {network, example.loss_function(), examples}, probe.readings());
    expect_top(probe["sharpness"], expected, kPromised);
  }
}

TEST(Sharpness, TakesAsManyExamplesAsItIsToldAndNoMore) {
  NetAndBatch<double> example({.sizes = {5, 7, 3}, .batch = 9}, 3);
  const auto three = measured(example, with(kToTheEnd, {{"examples", node(3)}}));
  Snapshot<double> at = snapshot_of(example);
  at.inputs = at.inputs.first_rows(3);
  at.targets.values = at.targets.values.first_rows(3);
  ProbeAlone<double> probe("sharpness", kToTheEnd, probed_run(example));
  measure(probe, example, at);
  expect_top(three["sharpness"], probe["sharpness"], kPromised);
  EXPECT_GT(std::abs(measured(example)["sharpness"][0] - three["sharpness"][0]), 1e-3);
}

// v . H v over the very signs that the probe draws.
TEST(Sharpness, HasTheTraceAsTheMeanOverItsRandomSigns) {
  NetAndBatch<double> example({.sizes = {5, 7, 3}, .batch = 9}, 3);
  const Rows hessian = exact_hessian(example);
  constexpr std::int64_t kSeed = 4;
  constexpr std::size_t kSamples = 6;
  Row seen;
  for (std::uint32_t sample = 0; sample < kSamples; ++sample) {
    const Row v = sign_vector(hessian.size(), kSeed, RandomVector::trace, sample);
    double product = 0;
    for (std::size_t i = 0; i < v.size(); ++i) {
      for (std::size_t j = 0; j < v.size(); ++j) product += v[i] * hessian[i][j] * v[j];
    }
    seen.push_back(product);
  }
  double mean = 0;
  for (const double x : seen) mean += x / kSamples;
  double squares = 0;
  for (const double x : seen) squares += (x - mean) * (x - mean);
  ProbeAlone<double> probe("sharpness", {{"trace_samples", node(kSamples)}}, probed_run(example));
  Snapshot<double> at = snapshot_of(example);
  at.pass.seed = kSeed;
  measure(probe, example, at);
  EXPECT_NEAR(probe["hessian_trace"][0], mean, kPromised * std::abs(mean));
  const double error = std::sqrt(squares / (kSamples * (kSamples - 1)));
  EXPECT_NEAR(probe["hessian_trace_error"][0], error, kPromised * error);
}

TEST(Sharpness, HasNoTraceUnlessItIsAskedFor) {
  for (const Quantity& quantity : make_plugin(probe_catalogue(), "sharpness")->quantities()) {
    EXPECT_FALSE(quantity.name.starts_with("hessian_trace"));
  }
}

std::unique_ptr<Optimizer<double>> optimizer(const std::string& name,
                                             const std::vector<Setting>& own,
                                             const ParameterLayout& layout) {
  const SettingsTable table = settings_table(own);
  SettingsReport report;
  Settings settings(table, "", report);
  return optimizer_catalogue().find(name)->make<double>(settings, layout);
}

// A linear layer under a squared error is a bowl: H does not change, and differences of any step are exact.
struct Bowl {
  NetAndBatch<double> example{
      {.sizes = {6, 3}, .activation = "linear", .loss = "mean_squared_error", .batch = 11}, 3};
  Rows hessian = dense_hessian(example, 1);

  ProbeAlone<double> measured(const Optimizer<double>& rule, std::int64_t step, double factor) {
    ProbeAlone<double> probe("sharpness", kToTheEnd, probed_run(example));
    Snapshot<double> at = snapshot_of(example);
    at.step = step;
    at.optimizer = &rule;
    at.schedule_factor = factor;
    measure(probe, example, at);
    return probe;
  }
  // Of P^(-1/2) H P^(-1/2).
  Row eigenvalues(const Row& p) const {
    Rows scaled = hessian;
    for (std::size_t i = 0; i < p.size(); ++i) {
      for (std::size_t j = 0; j < p.size(); ++j) scaled[i][j] /= std::sqrt(p[i]) * std::sqrt(p[j]);
    }
    return oracle::symmetric_eigenvalues(scaled);
  }
};

TEST(PreconditionedSharpness, IsByWhatAdamDividesByInTheStepToCome) {
  Bowl bowl;
  constexpr double kLr = 0.01;
  constexpr double kBeta1 = 0.8;
  constexpr double kBeta2 = 0.9;
  constexpr double kEpsilon = 1e-3;
  constexpr double kFactor = 0.25;
  const auto rule = optimizer("adam",
                              {{"lr", node(kLr)},
                               {"beta1", node(kBeta1)},
                               {"beta2", node(kBeta2)},
                               {"epsilon", node(kEpsilon)}},
                              bowl.example.network.layout());
  const std::size_t n = bowl.example.parameters.size();
  Row v(n);
  const auto take_in_gradient = [&] {
    bowl.example.step();
    for (std::size_t i = 0; i < n; ++i) {
      const double g = bowl.example.gradient[i];
      v[i] = kBeta2 * v[i] + (1 - kBeta2) * g * g;
    }
  };
  for (std::int64_t t = 1; t <= 3; ++t) {
    take_in_gradient();
    rule->step(bowl.example.parameters, bowl.example.gradient, {.step = t, .schedule_factor = 1});
  }
  take_in_gradient();
  // m's correction is a part of P, as Algorithm 1 divides by both.
  Row p;
  for (const double square : v) {
    p.push_back((1 - std::pow(kBeta1, 4)) *
                (std::sqrt(square / (1 - std::pow(kBeta2, 4))) + kEpsilon));
  }
  const ProbeAlone<double> probe = bowl.measured(*rule, 3, kFactor);
  expect_top(probe["preconditioned_sharpness"], bowl.eigenvalues(p), kPromised);
  expect_top(probe["sharpness"], bowl.eigenvalues(Row(n, 1.0)), kPromised);
  const double limit = 2 * (1 + kBeta1) / ((1 - kBeta1) * kLr * kFactor);
  EXPECT_NEAR(probe["stability_limit"][0], limit, kPromised * limit);
}

TEST(PreconditionedSharpness, IsTheSharpnessWhereTheRuleDividesByNothing) {
  Bowl bowl;
  const auto rule = optimizer("momentum", {{"lr", node(0.05)}, {"momentum", node(0.5)}},
                              bowl.example.network.layout());
  const ProbeAlone<double> probe = bowl.measured(*rule, 0, 0.5);
  EXPECT_EQ(probe["preconditioned_sharpness"], probe["sharpness"]);
  EXPECT_NEAR(probe["stability_limit"][0], 2 * 1.5 / (0.05 * 0.5), kPromised * 120);
}

TEST(PreconditionedSharpness, IsNotANumberWhereTheGradientIsNone) {
  Bowl bowl;
  const auto rule = optimizer("adam", {}, bowl.example.network.layout());
  bowl.example.gradient[4] = std::nan("");
  EXPECT_TRUE(std::isnan(bowl.measured(*rule, 0, 1)["preconditioned_sharpness"][0]));
}

std::string reason(const std::vector<Setting>& settings, std::size_t quantity) {
  const RunConfiguration run = configured(with(small_run(), settings));
  return run.probes.front().kind->undefined(quantity, run.probed());
}

TEST(Sharpness, SaysOfWhichModelsAndOptimizersItKnowsNothing) {
  const Setting on = {"probes.sharpness.every", node(5)};
  for (const std::size_t quantity : {0, 1, 2, 3}) {
    EXPECT_EQ(reason({on}, quantity), "");
    EXPECT_THAT(reason({on, {"model.kind", node("cnn")}}, quantity),
                testing::EndsWith(CurvedStack<double>::kNoCurvature));
  }
  for (const auto& [name, value] : std::vector<Setting>{{"optimizer.name", node("signsgd")},
                                                        {"optimizer.groups.bias.lr", node(0.1)}}) {
    EXPECT_EQ(reason({on, {name, value}}, 0), "");
    EXPECT_EQ(reason({on, {name, value}}, 2), "the stability limit of this optimizer is not known");
    EXPECT_EQ(reason({on, {name, value}}, 3), "the stability limit of this optimizer is not known");
  }
  const Setting once = {"probes.sharpness.trace_samples", node(1)};
  EXPECT_EQ(reason({on, once}, 4), "");
  EXPECT_EQ(reason({on, once}, 5), "one sample does not say how samples differ");
}

// Cohen et al. 2021: with gradients of all examples it goes to 2/lr and hovers there, from wherever it starts.
TEST(Sharpness, OfGradientDescentOnAllExamplesHoversAtTheStabilityLimit) {
  const RunRecord record = trained(with(small_run(), {{"data.train", node(64)},
                                                      {"train.batch", node(64)},
                                                      {"train.steps", node(1500)},
                                                      {"loss.name", node("mean_squared_error")},
                                                      {"model.activation", node("tanh")},
                                                      {"model.initializer", node("lecun_normal")},
                                                      {"optimizer.name", node("sgd")},
                                                      {"optimizer.lr", node(1.0)},
                                                      {"probes.sharpness.every", node(250)}}));
  ASSERT_EQ(record.steps.size(), 7);
  const std::vector<double>& limit = metric(record, "stability_limit");
  const std::vector<double>& sharpness = metric(record, "sharpness");
  EXPECT_EQ(limit, std::vector<double>(7, 2.0));
  EXPECT_GT(sharpness[0], 1.5 * limit[0]) << "it begins elsewhere";
  for (std::size_t i = 4; i < 7; ++i) EXPECT_NEAR(sharpness[i], limit[i], 0.1 * limit[i]) << i;
  EXPECT_EQ(metric(record, "preconditioned_sharpness"), sharpness);
}

TEST(Sharpness, HasTheLimitOfTheScheduledLearningRate) {
  const RunConfiguration run = configured(with(small_run(), {{"train.steps", node(12)},
                                                             {"optimizer.name", node("sgd")},
                                                             {"optimizer.lr", node(0.125)},
                                                             {"schedule.name", node("warmup")},
                                                             {"schedule.steps", node(10)},
                                                             {"schedule.inner", node("constant")},
                                                             {"probes.sharpness.every", node(1)}}));
  const RunRecord record = trained(run, run.data->load({}));
  const std::vector<double>& limit = metric(record, "stability_limit");
  ASSERT_EQ(limit.size(), 13);
  for (std::size_t i = 0; i < limit.size(); ++i) {
    const double factor = run.schedule->factor(static_cast<std::int64_t>(i) + 1, run.steps);
    EXPECT_NEAR(limit[i], 2 / (0.125 * factor), kPromised * limit[i]) << i;
  }
  EXPECT_GT(limit[0], 1.5 * limit[12]) << "else there is no schedule to be seen";
}

}  // namespace
}  // namespace plumbline
