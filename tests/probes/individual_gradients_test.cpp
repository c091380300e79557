// SPDX-License-Identifier: Apache-2.0
// The probes of single examples' gradients, in every kind of model, against definitions that have each gradient
// as a row.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <tuple>
#include <vector>

#include "tests/kernels/on_threads.hpp"
#include "tests/probes/single_examples.hpp"

namespace plumbline {
namespace {

// Sums of some thousand products with a rounding of 2^-53 each: some 1e-13 of the largest; the probes promise
// 1e-10.
constexpr double kPromised = 1e-10;

using NamedModel = std::tuple<ModelCase, int>;

class IndividualGradientsOf : public testing::TestWithParam<NamedModel> {
 protected:
  IndividualGradientsOf() : examples_(std::get<0>(GetParam()).settings) {
    all_ = examples_.gradients(examples_.parameters);
    examples_.step(examples_.parameters);
  }
  ProbeAlone<double> measured(const char* name) {
    ProbeAlone<double> probe(name, {}, examples_.run.probed());
    OnThreads threads(std::get<1>(GetParam()));
    threads.run([&] { probe->before_update(examples_.snapshot(), probe.readings()); });
    return probe;
  }
  std::size_t depth() const { return examples_.network.depth(); }
  const ParameterTensor& weight(std::size_t l) const { return examples_.network.layer(l).weight(); }

  SingleExamples examples_;
  Rows all_;
};

std::vector<NamedModel> models_on_threads() {
  std::vector<NamedModel> all;
  for (const ModelCase& model : models_of_single_examples()) {
    for (const int threads : {1, 2}) all.emplace_back(model, threads);
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Models, IndividualGradientsOf, testing::ValuesIn(models_on_threads()),
                         [](const auto& instance) {
                           return std::get<0>(instance.param).name + "_on_" +
                                  std::to_string(std::get<1>(instance.param)) + "_threads";
                         });

// Of the tests themselves: their single gradients have the mean that the net has for the batch.
TEST_P(IndividualGradientsOf, HaveTheBatchGradientAsTheirMean) {
  EXPECT_LT(relative_difference(examples_.gradient, mean_of(all_)), kPromised);
}

/// tr(Sigma) and |G|^2 as means over all pairs of different examples, which plainly have no bias:
/// E |g_i - g_k|^2 / 2 and E g_i.g_k.
struct NaiveMoments {
  double variance = 0;
  double square = 0;
  double mean_square = 0;  // |g|^2

  explicit NaiveMoments(const Rows& rows) {
    const auto batch = static_cast<double>(rows.size());
    const double pairs = batch * (batch - 1) / 2;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t k = 0; k < i; ++k) {
        Row difference(rows[i].size());
        for (std::size_t j = 0; j < difference.size(); ++j) difference[j] = rows[i][j] - rows[k][j];
        variance += naive_product(difference, difference) / (2 * pairs);
        square += naive_product(rows[i], rows[k]) / pairs;
      }
    }
    const Row mean = mean_of(rows);
    mean_square = naive_product(mean, mean);
  }
  void expect_scale(double found, const std::string& what) const {
    if (square <= 0) {
      EXPECT_TRUE(std::isnan(found)) << what;
      return;
    }
    // The square is a difference, which loses digits.
    const double lost = (mean_square + variance) / square;
    EXPECT_NEAR(found, variance / square, kPromised * lost * variance / square) << what;
  }
};

TEST_P(IndividualGradientsOf, HaveTheNoiseScaleOfTheirDefinition) {
  const auto probe = measured("noise_scale");
  const NaiveMoments whole(all_);
  const double scale = whole.mean_square + whole.variance;
  EXPECT_GT(whole.variance, 0);
  EXPECT_NEAR(probe["gradient_variance"][0], whole.variance, kPromised * scale);
  EXPECT_NEAR(probe["gradient_square"][0], whole.square, kPromised * scale);
  whole.expect_scale(probe["noise_scale"][0], "all");
  for (std::size_t l = 0; l < depth(); ++l) {
    NaiveMoments(parts_of(all_, weight(l)))
        .expect_scale(probe["layer_noise_scale"][l], "layer " + std::to_string(l));
  }
}

TEST_P(IndividualGradientsOf, PassTheThreeTestsWithTheConstantsOfTheirDefinitions) {
  const auto probe = measured("norm_test");
  const Row g = mean_of(all_);
  const double square = naive_product(g, g);
  double norms = 0;
  double along = 0;
  double across = 0;
  for (const Row& row : all_) {
    const double share = naive_product(row, g) / square;
    Row difference(row.size());
    Row rest(row.size());
    for (std::size_t j = 0; j < row.size(); ++j) {
      difference[j] = row[j] - g[j];
      rest[j] = row[j] - share * g[j];
    }
    norms += naive_product(difference, difference) / square;
    along += (share - 1) * (share - 1);
    across += naive_product(rest, rest) / square;
  }
  const auto batch = static_cast<double>(all_.size());
  const auto root = [batch](double sum) { return std::sqrt(sum / (batch * (batch - 1))); };
  EXPECT_NEAR(probe["norm_test"][0], root(norms), kPromised * root(norms));
  EXPECT_NEAR(probe["inner_product_test"][0], root(along), kPromised * root(norms));
  EXPECT_NEAR(probe["orthogonality_test"][0], root(across), kPromised * root(norms));
  EXPECT_GT(root(along), 1e-3) << "else nothing is tested";
}

/// The mean over parameters that any example moves.
double naive_gsnr(const Rows& rows) {
  const Row mean = mean_of(rows);
  double sum = 0;
  double count = 0;
  for (std::size_t j = 0; j < mean.size(); ++j) {
    double variance = 0;
    bool moves = false;
    for (const Row& row : rows) {
      const double difference = row[j] - mean[j];
      variance += difference * difference / static_cast<double>(rows.size());
      moves = moves || row[j] != 0;
    }
    if (!moves) continue;
    count += 1;
    sum += mean[j] * mean[j] / variance;
  }
  return sum / count;
}

TEST_P(IndividualGradientsOf, HaveTheSignalToNoiseRatioOfItsDefinition) {
  const auto probe = measured("gsnr");
  const double whole = naive_gsnr(all_);
  EXPECT_NEAR(probe["gsnr"][0], whole, kPromised * whole);
  for (std::size_t l = 0; l < depth(); ++l) {
    const double expected = naive_gsnr(parts_of(all_, weight(l)));
    EXPECT_NEAR(probe["layer_gsnr"][l], expected, kPromised * expected) << "layer " << l;
  }
}

// With nothing but equal examples the noise is that of rounding, which has a floor: B epsilon.
TEST(IndividualGradients, OfEqualExamplesHaveNoNoiseAndNoSignalToNoiseRatio) {
  SingleExamples examples(models_of_single_examples().front().settings);
  std::vector<double> gradient(examples.parameters.size());
  const Row first = examples.gradients(examples.parameters).front();
  const std::vector<std::int32_t> labels(examples.rows(), examples.targets().labels.front());
  Snapshot<double> at = examples.snapshot();
  at.inputs.stride = 0;
  at.targets.labels = labels;
  const MatrixView<const double> outputs =
      examples.network.forward(examples.parameters, at.inputs, at.pass);
  examples.run.loss->evaluate(outputs, at.targets, examples.network.output_gradient());
  examples.network.backward(examples.parameters, at.inputs, gradient);
  ASSERT_LT(relative_difference(gradient, first), kPromised);
  at.gradient = gradient;
  const auto measured = [&](const char* name) {
    ProbeAlone<double> probe(name, {}, examples.run.probed());
    probe->before_update(at, probe.readings());
    return probe;
  };
  EXPECT_NEAR(measured("noise_scale")["noise_scale"][0], 0, kPromised);
  // The root of what rounding leaves of 0, some 1e-13.
  EXPECT_NEAR(measured("norm_test")["norm_test"][0], 0, 1e-6);
  EXPECT_TRUE(std::isnan(measured("gsnr")["gsnr"][0])) << "a variance of rounding is none";
}

std::string problem_with(const std::vector<Setting>& settings, int examples = 11) {
  const SingleExamples one(settings, examples);
  std::string problem;
  for (const char* name : {"noise_scale", "norm_test", "gsnr", "alpha"}) {
    const auto kind = make_plugin(probe_catalogue(), name);
    for (std::size_t q = 0; q < kind->quantities().size(); ++q) {
      const std::string found = kind->undefined(q, one.run.probed());
      EXPECT_TRUE(q == 0 || found == problem) << name;
      problem = found;
    }
  }
  return problem;
}

TEST(IndividualGradients, AreUndefinedUnderBatchNorm) {
  const Setting batch_norm = {"model.normalization.name", node("batch_norm")};
  const std::string problem =
      "batch_norm makes the gradients of single examples depend on each other";
  EXPECT_EQ(problem_with({{"model.depth", node(3)}, batch_norm}), problem);
  EXPECT_EQ(problem_with({{"model.kind", node("residual")}, {"model.depth", node(3)}, batch_norm}),
            problem);
  EXPECT_EQ(problem_with({{"model.kind", node("cnn")}, {"model.depth", node(1)}, batch_norm}),
            problem);
}

TEST(IndividualGradients, AreUndefinedInABatchOfOne) {
  EXPECT_EQ(problem_with({{"model.depth", node(3)}}, 1), "gradients of one example do not vary");
  EXPECT_EQ(problem_with({{"model.depth", node(3)}}, 2), "");
}

TEST(IndividualGradients, AreUndefinedWhereDropoutMeetsLayersThatAreNotDense) {
  const auto table = [](const std::vector<Setting>& settings) {
    return SettingNode{settings_table(settings), {}};
  };
  const SettingNode dropout = table({{"name", node("dropout")}, {"rate", node(0.3)}});
  const SettingNode inside =
      table({{"name", node("residual")}, {"layers", SettingNode{SettingList{dropout}, {}}}});
  for (const SettingNode& noisy : {dropout, inside}) {
    const SettingList list = {node("flatten"), noisy, node("highway")};
    EXPECT_EQ(problem_with({{"model.layers", {list, {}}}}),
              "an example by itself would not get the noise of dropout that it has in its batch, "
              "and the gradients of single examples follow from those of a batch in dense layers "
              "alone");
    const SettingList plain = {node("flatten"), node("highway")};
    EXPECT_EQ(problem_with({{"model.layers", {plain, {}}}}), "");
  }
}

std::vector<Setting> measured_at_every_step() {
  std::vector<Setting> probes;
  for (const std::string name : {"noise_scale", "norm_test", "gsnr", "alpha"}) {
    probes.push_back({"probes." + name + ".every", node(1)});
  }
  return probes;
}

class IndividualGradientsInARunOf : public testing::TestWithParam<ModelCase> {};
INSTANTIATE_TEST_SUITE_P(Models, IndividualGradientsInARunOf,
                         testing::ValuesIn(models_of_single_examples()),
                         [](const auto& instance) { return instance.param.name; });

TEST_P(IndividualGradientsInARunOf, AreFiniteAndChangeNoBit) {
  const std::vector<Setting> run = with({{"data.name", node("digits")},
                                         {"data.train", node(60)},
                                         {"data.valid", node(20)},
                                         {"train.batch", node(16)},
                                         {"train.steps", node(6)},
                                         {"optimizer.name", node("adam")}},
                                        GetParam().settings);
  const RunRecord record = trained(with(run, measured_at_every_step()));
  ASSERT_EQ(record.status, RunStatus::complete);
  EXPECT_EQ(record.digest, trained(run).digest);
  for (const char* name : {"gradient_variance", "gradient_square", "norm_test",
                           "inner_product_test", "orthogonality_test", "gsnr", "alpha"}) {
    const std::vector<double>& values = metric(record, name);
    ASSERT_EQ(values.size(), 7U);
    for (std::size_t step = 0; step < 6; ++step) {
      EXPECT_TRUE(std::isfinite(values[step])) << name << " at step " << step;
    }
    EXPECT_EQ(std::isnan(values[6]), std::string(name) == "alpha") << "no update follows";
  }
  for (std::size_t step = 0; step < 7; ++step) {
    EXPECT_EQ(std::isfinite(metric(record, "noise_scale")[step]),
              metric(record, "gradient_square")[step] > 0);
  }
}

// Rules that run the net themselves, keep its layers' statistics or take the step of another point.
TEST(IndividualGradients, ChangeNoBitOfRunsOfOtherRules) {
  for (const char* optimizer :
       {"sgd", "lbfgs", "kfac", "sam", "hessian_free", "schedule_free_adamw"}) {
    const std::vector<Setting> run =
        with(small_run(), {{"optimizer.name", node(optimizer)}, {"train.steps", node(6)}});
    const RunRecord record = trained(with(run, measured_at_every_step()));
    EXPECT_EQ(record.digest, trained(run).digest) << optimizer;
    for (std::size_t step = 0; step < 6; ++step) {
      EXPECT_TRUE(std::isfinite(metric(record, "alpha")[step])) << optimizer << ", step " << step;
    }
  }
}

// An error signal falls by 0.24 a layer in deep nets of sigmoids, to some 1e-25, whose square is no float. What
// is left of 24 bits after 40 layers, each with a few roundings: some 1e-4.
constexpr double kOfFloats = 1e-3;

TEST(IndividualGradients, AreMeasuredWhereTheirSquaresAreNoFloats) {
  const auto at_start = [](const char* precision) {
    return trained(with({{"data.name", node("digits")},
                         {"data.train", node(200)},
                         {"data.valid", node(20)},
                         {"model.depth", node(40)},
                         {"model.width", node(30)},
                         {"model.activation", node("sigmoid")},
                         {"model.initializer", node("glorot_normal")},
                         {"model.precision", node(precision)},
                         {"train.batch", node(64)},
                         {"train.steps", node(1)},
                         {"probes.gradient_norm.every", node(1)}},
                        measured_at_every_step()));
  };
  const RunRecord floats = at_start("float32");
  const RunRecord doubles = at_start("float64");
  EXPECT_LT(metric(doubles, "gradient_norm")[0], 1e-20);
  for (const char* name : {"layer_noise_scale", "layer_gsnr"}) {
    for (std::size_t l = 0; l < 41; ++l) {
      const double expected = metric(doubles, name)[l];
      EXPECT_TRUE(std::isfinite(expected));
      EXPECT_NEAR(metric(floats, name)[l], expected, kOfFloats * expected) << name << ' ' << l;
    }
  }
  for (const char* name : {"noise_scale", "norm_test", "gsnr"}) {
    const double expected = metric(doubles, name)[0];
    EXPECT_NEAR(metric(floats, name)[0], expected, kOfFloats * expected) << name;
  }
}

}  // namespace
}  // namespace plumbline
