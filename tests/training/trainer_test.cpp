// SPDX-License-Identifier: Apache-2.0
#include "engine/training/trainer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "tests/training/stopping_probe.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

std::vector<Setting> in_precision(const char* precision) {
  return with(small_run(), {{"model.precision", node(precision)},
                            {"train.evaluate.every", node(10)},
                            {"probes.error_signal.every", node(7)},
                            {"probes.gradient_norm.every", node(7)}});
}

// The bits of every number of a record but for its times; NaN equals NaN.
std::string everything(const RunRecord& record) {
  std::string text =
      record.digest + record.message + record.diagnosis + std::to_string(record.n_layers);
  const auto add = [&](double value) {
    text.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  for (const std::int64_t step : record.steps) text += ' ' + std::to_string(step);
  for (const Metric& metric : record.metrics) {
    text += metric.name;
    for (const double value : metric.values) add(value);
  }
  for (const auto& [name, value] : record.summary) {
    text += name;
    add(value);
  }
  for (const auto* profile : {&record.theory_error_signal, &record.theory_error_signal_low,
                              &record.theory_error_signal_high, &record.theory_error_signal_z}) {
    for (const double value : *profile) add(value);
  }
  return text;
}

class TrainTest : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(In, TrainTest, testing::Values("float32", "float64"),
                         [](const auto& param_info) { return std::string(param_info.param); });

TEST_P(TrainTest, GivesTheSameBitsEachTime) {
  const RunRecord first = trained(in_precision(GetParam()));
  const RunRecord second = trained(in_precision(GetParam()));
  EXPECT_EQ(everything(first), everything(second));
}

TEST_P(TrainTest, GivesTheSameBitsOnFourThreadsAtOnce) {
  const RunConfiguration run = configured(in_precision(GetParam()));
  const Dataset data = run.data->load({});
  const std::string alone = everything(trained(run, data));
  std::vector<std::string> together(4);
  std::vector<std::thread> threads;
  for (std::string& result : together) {
    threads.emplace_back([&run, &data, &result] { result = everything(trained(run, data)); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(together, testing::Each(alone));
}

TEST_P(TrainTest, EndsElsewhereWithAnotherSeed) {
  EXPECT_NE(trained(in_precision(GetParam())).digest,
            trained(with(in_precision(GetParam()), {{"train.seed", node(1)}})).digest);
}

TEST_P(TrainTest, EndsAtTheSamePointWhateverIsMeasuredOnTheWay) {
  const std::vector<Setting> plain = with(small_run(), {{"model.precision", node(GetParam())}});
  const std::string digest = trained(plain).digest;
  EXPECT_EQ(trained(in_precision(GetParam())).digest, digest);
  EXPECT_EQ(trained(with(plain, {{"train.evaluate.every", node(1)}})).digest, digest);
  EXPECT_EQ(trained(with(plain, {{"probes.error_signal.every", node(1)},
                                 {"probes.gradient_norm.every", node(1)}}))
                .digest,
            digest);
}

TEST_P(TrainTest, EndsAtTheSamePointWhereTheOptimizerAsksForMoreOfTheBatch) {
  for (const char* optimizer : {"lbfgs", "mars", "sam", "sophia", "kfac", "hessian_free"}) {
    const std::vector<Setting> plain = with(small_run(), {{"model.precision", node(GetParam())},
                                                          {"optimizer.name", node(optimizer)},
                                                          {"train.steps", node(5)}});
    EXPECT_EQ(trained(with(plain, {{"train.evaluate.every", node(1)}})).digest,
              trained(plain).digest)
        << optimizer;
  }
}

// Rounding alone tells the two apart: in double precision 1e-16 a product, and much less than 1e6 times
// that at the end of so short a run.
TEST_P(TrainTest, GivesTheSameNumbersWithTheProductsOfOpenBlas) {
  const bool is_double = std::string(GetParam()) == "float64";
  const double tolerance = is_double ? 1e-10 : 2e-3;
  const RunRecord own = trained(in_precision(GetParam()));
  const RunRecord library =
      trained(with(in_precision(GetParam()), {{"engine.gemm", node("blas")}}));
  EXPECT_NE(library.digest, own.digest);
  ASSERT_EQ(library.metrics.size(), own.metrics.size());
  std::size_t compared = 0;
  for (std::size_t m = 0; m < own.metrics.size(); ++m) {
    if (own.metrics[m].name.ends_with("accuracy")) continue;
    for (std::size_t i = 0; i < own.metrics[m].values.size(); ++i) {
      const double value = own.metrics[m].values[i];
      if (std::isnan(value)) continue;
      EXPECT_NEAR(library.metrics[m].values[i], value, tolerance * std::abs(value))
          << own.metrics[m].name;
      ++compared;
    }
  }
  EXPECT_GT(compared, 0U);
}

TEST_P(TrainTest, ReachesTheSameStateByEpochsAsByTheirSteps) {
  // 200 examples in batches of 32: 6 whole ones an epoch.
  std::vector<Setting> by_epochs = with(small_run(), {{"model.precision", node(GetParam())}});
  std::erase_if(by_epochs, [](const Setting& setting) { return setting.first == "train.steps"; });
  const RunRecord epochs = trained(with(by_epochs, {{"train.epochs", node(4)}}));
  const RunRecord steps = trained(with(by_epochs, {{"train.steps", node(24)}}));
  EXPECT_THAT(epochs.steps, ElementsAre(0, 24));
  EXPECT_EQ(epochs.digest, steps.digest);
}

TEST(TrainInBothPrecisionsTest, FollowsTheSamePathToSinglePrecision) {
  const std::vector<double> single = metric(trained(in_precision("float32")), "train_loss");
  const std::vector<double> twice = metric(trained(in_precision("float64")), "train_loss");
  ASSERT_EQ(single.size(), twice.size());
  // 30 steps, each of some hundred roundings of 2^-24 = 6e-8.
  constexpr double kSinglePrecision = 2e-4;
  for (std::size_t i = 0; i < single.size(); ++i) {
    if (std::isnan(twice[i])) continue;
    EXPECT_NEAR(single[i], twice[i], kSinglePrecision * twice[i]);
    EXPECT_NE(single[i], twice[i]) << "else both are the same precision";
  }
}

TEST(RunRecordTest, HoldsEachMetricAtTheStepsWhereItIsDue) {
  const RunRecord record = trained(with(in_precision("float64"), {{"train.steps", node(20)}}));
  EXPECT_EQ(record.status, RunStatus::complete);
  EXPECT_EQ(record.n_layers, 3);
  EXPECT_THAT(record.steps, ElementsAre(0, 7, 10, 14, 20));
  std::vector<std::string> names;
  for (const Metric& metric : record.metrics) names.push_back(metric.name);
  EXPECT_THAT(names, ElementsAre("train_loss", "train_accuracy", "valid_loss", "valid_accuracy",
                                 "error_signal", "gradient_norm"));
  for (const Metric& metric : record.metrics) {
    EXPECT_FALSE(metric.meaning.empty());
    EXPECT_EQ(metric.units, "1");
    const bool probe = metric.name == "error_signal" || metric.name == "gradient_norm";
    EXPECT_EQ(metric.axis == QuantityAxis::layer, probe);
    const std::size_t columns = probe ? 3 : 1;
    ASSERT_THAT(metric.values, SizeIs(5 * columns));
    const std::vector<std::int64_t> due =
        probe ? std::vector<std::int64_t>{0, 7, 14, 20} : std::vector<std::int64_t>{0, 10, 20};
    for (std::size_t i = 0; i < metric.values.size(); ++i) {
      const bool here = std::ranges::count(due, record.steps[i / columns]) == 1;
      EXPECT_EQ(std::isfinite(metric.values[i]), here) << metric.name << ", " << i;
    }
  }
}

TEST(RunRecordTest, SumsUpTheLastAndTheBestEvaluation) {
  const RunRecord record = trained(with(
      in_precision("float64"), {{"train.evaluate.every", node(1)}, {"optimizer.lr", node(0.3)}}));
  const std::vector<double>& losses = metric(record, "valid_loss");
  const std::vector<double>& accuracies = metric(record, "valid_accuracy");
  EXPECT_EQ(summary(record, "final_train_loss"), metric(record, "train_loss").back());
  EXPECT_EQ(summary(record, "final_train_accuracy"), metric(record, "train_accuracy").back());
  EXPECT_EQ(summary(record, "final_valid_loss"), losses.back());
  EXPECT_EQ(summary(record, "final_valid_accuracy"), accuracies.back());
  EXPECT_EQ(summary(record, "best_valid_loss"), *std::ranges::min_element(losses));
  EXPECT_EQ(summary(record, "best_valid_accuracy"), *std::ranges::max_element(accuracies));
  EXPECT_TRUE(std::isnan(summary(record, "final_test_loss"))) << "the digits have no test set";
  EXPECT_NE(summary(record, "best_valid_loss"), summary(record, "final_valid_loss"))
      << "else lr is too small to tell the two apart";
}

TEST(RunRecordTest, OfARunWithoutStepsHasItsStartAlone) {
  const RunRecord record = trained(with(in_precision("float64"), {{"train.steps", node(0)}}));
  EXPECT_EQ(record.status, RunStatus::complete);
  EXPECT_THAT(record.steps, ElementsAre(0));
  EXPECT_TRUE(std::isfinite(metric(record, "train_loss")[0]));
}

TEST(RunRecordTest, HasNoAccuracyWhereThereAreNoLabels) {
  const RunRecord record = trained({{"data.name", node("teacher_student")},
                                    {"loss.name", node("mean_squared_error")},
                                    {"train.steps", node(2)}});
  EXPECT_TRUE(std::isfinite(metric(record, "train_loss")[0]));
  EXPECT_TRUE(std::isnan(metric(record, "train_accuracy")[0]));
}

TEST(RunRecordTest, HasTheTimesOfTheRun) {
  const RunRecord record = trained(small_run());
  EXPECT_GT(record.wall_seconds, 0);
  EXPECT_GT(record.cpu_seconds, 0);
  EXPECT_GT(record.started, 1700000000) << "seconds since 1970";
}

TEST(RunRecordTest, HasNoBandWhereWeightsAreNotIndependent) {
  const RunRecord record = trained({{"model.depth", node(4)},
                                    {"model.width", node(50)},
                                    {"model.initializer.name", node("orthogonal")},
                                    {"train.steps", node(0)}});
  for (std::size_t l = 0; l < 5; ++l) {
    EXPECT_TRUE(std::isfinite(record.theory_error_signal[l]));
    EXPECT_TRUE(std::isnan(record.theory_error_signal_low[l]));
    EXPECT_TRUE(std::isnan(record.theory_error_signal_high[l]));
  }
}

TEST(RunRecordTest, CarriesTheTheoryScaledToTheLastLayer) {
  // A linear net of weight variance 3 / fan_in: the error signal grows by sqrt(3) a layer.
  const RunRecord record = trained({{"model.depth", node(4)},
                                    {"model.width", node(50)},
                                    {"model.activation", node("linear")},
                                    {"model.precision", node("float64")},
                                    {"model.initializer.name", node("mean_field")},
                                    {"model.initializer.weight_variance", node(3.0)},
                                    {"train.steps", node(1)},
                                    {"probes.error_signal.every", node(1)}});
  ASSERT_THAT(record.theory_error_signal, SizeIs(5));
  const double last = metric(record, "error_signal")[4];
  for (std::size_t l = 0; l < 5; ++l) {
    const double expected = last * std::pow(3.0, static_cast<double>(4 - l) / 2);
    EXPECT_NEAR(record.theory_error_signal[l], expected, 1e-11 * expected);
    EXPECT_LE(record.theory_error_signal_low[l], record.theory_error_signal[l]);
    EXPECT_GE(record.theory_error_signal_high[l], record.theory_error_signal[l]);
  }
}

TEST(RunRecordTest, HasNoTheoryForWeightsThatAreZeroOrNotCentred) {
  for (const std::vector<Setting>& initializer :
       {std::vector<Setting>{{"model.initializer", node("zeros")}},
        std::vector<Setting>{{"model.initializer.name", node("normal")},
                             {"model.initializer.mean", node(0.1)}}}) {
    const RunRecord record = trained(with(small_run(), initializer));
    EXPECT_THAT(record.theory_error_signal, SizeIs(3));
    for (const double value : record.theory_error_signal) EXPECT_TRUE(std::isnan(value));
  }
}

TEST(StopTest, EndsARunBeforeItsFirstStep) {
  const RunConfiguration run = configured(small_run());
  const std::atomic<bool> stop{true};
  EXPECT_FALSE(train(run, run.data->load({}), stop).has_value());
}

TEST(StopTest, EndsARunInTheMiddle) {
  // So many steps that without the flag this test would not end.
  RunConfiguration run = configured(with(small_run(), {{"train.steps", node(2147483647)}}));
  run.probes =
      configured(
          with(small_run(), {{"probes.error_signal.steps", node(std::vector{1, 2, 3, 4, 5, 6})}}))
          .probes;
  std::atomic<bool> stop{false};
  run.probes.front().kind = std::make_shared<StoppingProbe>(stop, 5);
  EXPECT_FALSE(train(run, run.data->load({}), stop).has_value());
  EXPECT_TRUE(stop);
}

// Keeps what it is shown of the steps until it has seen `last`.
class RecordingObserver final : public TrainingObserver {
 public:
  explicit RecordingObserver(std::int64_t last) : last_(last) {}

  bool before_update(const StepView<float>&) override { return false; }
  bool before_update(const StepView<double>& view) override {
    steps.push_back(view.step);
    losses.push_back(view.loss);
    before.emplace_back(view.parameters.begin(), view.parameters.end());
    gradients.emplace_back(view.gradient.begin(), view.gradient.end());
    rows.push_back(view.inputs.rows);
    return view.step < last_;
  }
  bool after_update(std::span<const float>) override { return false; }
  bool after_update(std::span<const double> parameters) override {
    after.emplace_back(parameters.begin(), parameters.end());
    return true;
  }

  std::vector<std::int64_t> steps;
  std::vector<double> losses;
  std::vector<std::size_t> rows;
  std::vector<std::vector<double>> before;
  std::vector<std::vector<double>> gradients;
  std::vector<std::vector<double>> after;

 private:
  std::int64_t last_;
};

// Gradient descent, so that the update is known from the gradient.
RunConfiguration observed_run() {
  return configured(with(small_run(), {{"model.precision", node("float64")},
                                       {"optimizer.name", node("sgd")},
                                       {"optimizer.lr", node(0.25)},
                                       {"train.steps", node(4)}}));
}

TEST(TrainingObserverTest, SeesEachStepBeforeAndAfterItsUpdate) {
  const RunConfiguration run = observed_run();
  const Dataset data = run.data->load({});
  const std::atomic<bool> stop{false};
  RecordingObserver observer(4);
  // It wants no more after step 4, which has no update: nothing is left to do, and no record.
  EXPECT_FALSE(train_observed(run, data, stop, observer).has_value());
  EXPECT_THAT(observer.steps, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(observer.rows, testing::Each(32U));
  ASSERT_THAT(observer.after, SizeIs(4));
  for (std::size_t step = 0; step < 4; ++step) {
    EXPECT_EQ(observer.before[step + 1], observer.after[step]);
    for (std::size_t i = 0; i < observer.before[step].size(); ++i) {
      // One product and one sum, each rounded, or fused and rounded once.
      EXPECT_NEAR(observer.after[step][i],
                  observer.before[step][i] - 0.25 * observer.gradients[step][i], 1e-15);
    }
    EXPECT_GT(std::abs(observer.gradients[step].back()), 1e-6) << "else nothing moves";
  }
}

TEST(TrainingObserverTest, ChangesNothing) {
  const RunConfiguration run = observed_run();
  const Dataset data = run.data->load({});
  const std::atomic<bool> stop{false};
  RecordingObserver observer(1000);
  EXPECT_EQ(everything(train_observed(run, data, stop, observer).value()),
            everything(trained(run, data)));
}

TEST(TrainingObserverTest, EndsTheRun) {
  const RunConfiguration run = observed_run();
  const std::atomic<bool> stop{false};
  RecordingObserver observer(2);
  EXPECT_FALSE(train_observed(run, run.data->load({}), stop, observer).has_value());
  EXPECT_THAT(observer.steps, ElementsAre(0, 1, 2));
  EXPECT_THAT(observer.after, SizeIs(2));
}

}  // namespace
}  // namespace plumbline
