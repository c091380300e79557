// SPDX-License-Identifier: Apache-2.0
// What becomes of the statistics of batch normalization where more than one pass is made in a step, and
// where a model is evaluated elsewhere than it trains.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

#include "engine/training/batch_objective.hpp"
#include "engine/training/evaluation.hpp"
#include "engine/training/training_observer.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

constexpr std::size_t kExamples = 200;
constexpr std::size_t kBatch = 32;

std::vector<Setting> normalized_run(const std::vector<Setting>& more = {}) {
  return with(with(small_run(), {{"model.normalization.name", node("batch_norm")},
                                 {"model.precision", node("float64")}}),
              more);
}

// The means of all parameters after each update.
class MeanOfParameters final : public TrainingObserver {
 public:
  bool before_update(const StepView<float>& /*view*/) override { return true; }
  bool before_update(const StepView<double>& /*view*/) override { return true; }
  bool after_update(std::span<const float> /*parameters*/) override { return true; }
  bool after_update(std::span<const double> parameters) override {
    if (sum_.empty()) sum_.resize(parameters.size());
    std::ranges::transform(sum_, parameters, sum_.begin(), std::plus());
    ++updates_;
    return true;
  }
  std::vector<double> mean() const {
    std::vector<double> mean = sum_;
    for (double& value : mean) value /= updates_;
    return mean;
  }

 private:
  std::vector<double> sum_;
  double updates_ = 0;
};

TEST(RunningStatisticsOfTraining, StayWhereAnOptimizerLooksAtTheLoss) {
  const RunConfiguration run = configured(normalized_run());
  const Dataset data = run.data->load({});
  Network<double> network(run.model, run.input(), data.outputs, kBatch);
  std::vector<double> parameters(network.layout().size());
  network.initialize(*run.model.initializer, 1, parameters);
  GatheredBatch<double> batch(data, kBatch);
  batch.gather(data.train, kBatch, [](std::size_t row) { return row; });
  BatchObjective<double> objective(network, *run.loss, batch, 1);
  ASSERT_EQ(network.state().size(), 2U);
  const auto values = [&] {
    std::vector<double> all;
    for (const std::span<double> part : network.state()) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  };
  const std::vector<double> before = values();
  std::vector<double> gradient(parameters.size());
  objective.loss(parameters);
  objective.gradient(parameters, gradient);
  objective.sampled_gradient(parameters, 0, gradient);
  EXPECT_EQ(values(), before);
  network.forward(parameters, batch.inputs(), {.statistics = RunningStatistics::follow});
  EXPECT_NE(values(), before);
}

TEST(RunningStatisticsOfTraining, AreFoundAnewForWeightsThatAnAverageEvaluates) {
  const RunConfiguration run = configured(normalized_run({{"optimizer.name", node("swa")}}));
  const Dataset data = run.data->load({});
  const std::atomic<bool> stop{false};
  MeanOfParameters observer;
  const RunRecord record = train_observed(run, data, stop, observer).value();

  Network<double> network(run.model, run.input(), data.outputs, kBatch);
  const std::vector<double> parameters = observer.mean();
  GatheredBatch<double> batch(data, kBatch);
  const std::vector<std::span<double>> state = network.state();
  std::vector<std::vector<double>> sums;
  for (const std::span<double> part : state) sums.emplace_back(part.size());
  // The statistics hang on which examples meet in a batch.
  BatchOrder order(kExamples, kBatch, run.seed);
  constexpr std::size_t kBatches = kExamples / kBatch;
  for (std::size_t i = 0; i < kBatches; ++i) {
    const std::span<const std::uint32_t> examples = order.at(static_cast<std::int64_t>(i));
    batch.gather(data.train, kBatch, [&](std::size_t row) { return examples[row]; });
    // With step 0 the statistics are those of this batch alone.
    network.forward(parameters, batch.inputs(), {.statistics = RunningStatistics::average});
    for (std::size_t k = 0; k < state.size(); ++k) {
      std::ranges::transform(sums[k], state[k], sums[k].begin(), std::plus());
    }
  }
  for (std::size_t k = 0; k < state.size(); ++k) {
    std::ranges::transform(sums[k], state[k].begin(), [](double sum) { return sum / kBatches; });
  }
  const Evaluation expected = evaluate<double>(network, parameters, *run.loss, data.valid, batch);
  // 30 roundings of averages and 6 of statistics, in float64.
  EXPECT_NEAR(summary(record, "final_valid_loss"), expected.loss, 1e-11 * expected.loss);
}

TEST(RunningStatisticsOfTraining, AreAPartOfWhatADigestTells) {
  const auto digest_with = [](double momentum) {
    return trained(normalized_run({{"model.normalization.momentum", node(momentum)}})).digest;
  };
  EXPECT_EQ(digest_with(0.1), digest_with(0.1));
  EXPECT_NE(digest_with(0.1), digest_with(0.2));
}

TEST(RunningStatisticsOfTraining, NeedMoreThanOneExample) {
  try {
    configured(normalized_run({{"train.batch", node(1)}}));
    FAIL() << "is taken";
  } catch (const DefinitionError& error) {
    EXPECT_THAT(error.what(),
                testing::HasSubstr("'train.batch' is 1; batch_norm needs at least 2"));
  }
}

}  // namespace
}  // namespace plumbline
