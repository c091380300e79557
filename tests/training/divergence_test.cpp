// SPDX-License-Identifier: Apache-2.0
#include "engine/training/divergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

using testing::Each;
using testing::IsEmpty;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Two layers: 2 x 3 weights and 2 biases, then 1 x 2 weights and 1 bias.
class FindDivergenceTest : public testing::Test {
 protected:
  FindDivergenceTest() {
    layout_.add("layer_1.weight", 1, ParameterGroup::input, 2, 3);
    layout_.add("layer_1.bias", 1, ParameterGroup::bias, 2, 1);
    layout_.add("layer_2.weight", 2, ParameterGroup::output, 1, 2);
    layout_.add("layer_2.bias", 2, ParameterGroup::bias, 1, 1);
    parameters_.assign(layout_.size(), 1);
    gradient_.assign(layout_.size(), 1e308);
  }
  std::string found(double loss = 0.5) const {
    return find_divergence<double>(12, layout_, parameters_, loss, gradient_);
  }

  ParameterLayout layout_;
  std::vector<double> parameters_;
  std::vector<double> gradient_;
};

TEST_F(FindDivergenceTest, FindsNothingAmongFiniteNumbers) { EXPECT_THAT(found(), IsEmpty()); }

TEST_F(FindDivergenceTest, NamesTheTensorOfAParameter) {
  parameters_[10] = kNaN;
  EXPECT_EQ(found(), "step 12, layer 2, bias");
  parameters_[7] = -kInfinity;
  EXPECT_EQ(found(), "step 12, layer 1, bias") << "the first in the order of the layers";
}

TEST_F(FindDivergenceTest, NamesTheLossBeforeTheGradientsThatItSpoils) {
  gradient_.assign(gradient_.size(), kNaN);
  EXPECT_EQ(found(kNaN), "step 12, layer 2, loss");
  EXPECT_EQ(found(kInfinity), "step 12, layer 2, loss");
}

TEST_F(FindDivergenceTest, NamesParametersBeforeTheLossThatTheySpoil) {
  parameters_[0] = kInfinity;
  EXPECT_EQ(found(kNaN), "step 12, layer 1, weight");
}

TEST_F(FindDivergenceTest, SearchesGradientsFromTheOutputSide) {
  gradient_[0] = kNaN;
  EXPECT_EQ(found(), "step 12, layer 1, weight gradient");
  gradient_[8] = kInfinity;
  EXPECT_EQ(found(), "step 12, layer 2, weight gradient");
}

// Targets of size 1 from inputs of size 1, and a learning rate that leaves nothing.
std::vector<Setting> diverging_run(double lr) {
  return {{"data.name", node("teacher_student")},
          {"data.train", node(20)},
          {"data.valid", node(5)},
          {"data.features", node(3)},
          {"model.depth", node(2)},
          {"model.width", node(4)},
          {"model.precision", node("float64")},
          {"loss.name", node("mean_squared_error")},
          {"optimizer.name", node("sgd")},
          {"optimizer.lr", node(lr)},
          {"train.batch", node(20)},
          {"train.steps", node(10)},
          {"train.evaluate.every", node(1)},
          {"probes.gradient_norm.every", node(2)}};
}

TEST(DivergedRunTest, SaysAtWhichStepLayerAndTensor) {
  // After one update the output weights are of size 1e300, and the squared error is infinite.
  const RunRecord record = trained(diverging_run(1e300));
  EXPECT_EQ(record.status, RunStatus::diverged);
  EXPECT_EQ(record.message, "not finite: step 1, layer 3, loss");
}

TEST(DivergedRunTest, NamesTheWeightsThatAnUpdateMakesInfinite) {
  const RunConfiguration run = configured(with(diverging_run(1e308), {{"model.depth", node(0)}}));
  Dataset data = run.data->load({});
  for (float& x : data.train.inputs) x *= 1000;  // and with them the gradient
  const RunRecord record = trained(run, data);
  EXPECT_EQ(record.status, RunStatus::diverged);
  EXPECT_EQ(record.message, "not finite: step 1, layer 1, weight");
}

TEST(DivergedRunTest, IsFoundAtTheLastStepToo) {
  const RunRecord record = trained(with(diverging_run(1e300), {{"train.steps", node(1)}}));
  EXPECT_EQ(record.status, RunStatus::diverged);
}

TEST(DivergedRunTest, RecordsWhatWasMeasuredAndNotANumberAfterwards) {
  const RunRecord record = trained(diverging_run(1e300));
  const RunRecord whole = trained(diverging_run(0.01));
  EXPECT_EQ(record.steps, whole.steps);
  ASSERT_EQ(record.metrics.size(), whole.metrics.size());
  for (std::size_t i = 0; i < record.metrics.size(); ++i) {
    EXPECT_EQ(record.metrics[i].values.size(), whole.metrics[i].values.size());
  }
  const std::vector<double>& loss = metric(record, "train_loss");
  EXPECT_TRUE(std::isfinite(loss[0]));
  for (std::size_t step = 2; step <= 10; ++step) EXPECT_TRUE(std::isnan(loss[step])) << step;
  const std::vector<double>& norms = metric(record, "gradient_norm");
  for (std::size_t l = 0; l < 3; ++l) EXPECT_TRUE(std::isfinite(norms[l]));
  for (std::size_t i = 3; i < norms.size(); ++i) EXPECT_TRUE(std::isnan(norms[i])) << i;
  EXPECT_THAT(record.summary, IsEmpty());
  EXPECT_THAT(record.digest, testing::Not(IsEmpty()));
  EXPECT_EQ(record.n_layers, 3);
}

TEST(DivergedRunTest, EvaluatesNothingAfterwards) {
  // The share of right predictions would be a number even of outputs that are none.
  const RunRecord record = trained(with(small_run(), {{"model.activation", node("relu")},
                                                      {"model.precision", node("float64")},
                                                      {"optimizer.name", node("sgd")},
                                                      {"optimizer.lr", node(1e300)},
                                                      {"train.evaluate.every", node(1)}}));
  ASSERT_EQ(record.status, RunStatus::diverged);
  ASSERT_THAT(record.message, testing::StartsWith("not finite: step 1, "));
  const std::vector<double>& accuracy = metric(record, "train_accuracy");
  EXPECT_TRUE(std::isfinite(accuracy[0]));
  EXPECT_TRUE(std::isnan(accuracy[1])) << "outputs that are no numbers predict nothing";
  for (std::size_t step = 2; step <= 30; ++step) EXPECT_TRUE(std::isnan(accuracy[step])) << step;
}

TEST(DivergedRunTest, IsNoDivergenceWhereAllStaysFinite) {
  const RunRecord record = trained(diverging_run(0.01));
  EXPECT_EQ(record.status, RunStatus::complete);
  EXPECT_EQ(record.message, "");
  EXPECT_THAT(metric(record, "train_loss"),
              Each(testing::Truly([](double loss) { return std::isfinite(loss); })));
}

}  // namespace
}  // namespace plumbline
