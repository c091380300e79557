// SPDX-License-Identifier: Apache-2.0
#include "engine/training/evaluation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/datasets/examples.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

// Sums of some hundred terms in double, in two orders.
constexpr double kRelative = 1e-13;

// So many examples at a time of a part, as a stream.
class StreamOf final : public ExampleStream {
 public:
  StreamOf(const Examples& examples, std::size_t block) : examples_(examples), block_(block) {}

  std::size_t size() const override { return examples_.size(); }
  std::size_t blocks() const override { return (size() + block_ - 1) / block_; }
  std::vector<std::uint32_t> places(std::size_t block) const override {
    std::vector<std::uint32_t> places;
    for (std::size_t i = block * block_; i < std::min((block + 1) * block_, size()); ++i) {
      places.push_back(static_cast<std::uint32_t>(i));
    }
    return places;
  }
  Examples read(std::size_t block) const override { return select(examples_, places(block)); }

 private:
  const Examples& examples_;
  std::size_t block_;
};

/// A net with targets at each of several steps, in its initial state.
class EvaluationTest : public testing::Test {
 protected:
  static std::vector<Setting> settings() {
    return {{"data.name", node("copy_memory")},
            {"data.delay", node(3)},
            {"data.train", node(23)},
            {"data.valid", node(0)},
            {"model.kind", node("rnn")},
            {"model.width", node(9)},
            {"model.precision", node("float64")},
            {"train.batch", node(7)}};
  }

  EvaluationTest()
      : batch_(data_, run_.batch, run_.input()), parameters_(network_.layout().size()) {
    network_.initialize(*run_.model.initializer, 0, parameters_);
  }

  /// The outputs for example `i` alone, a row for each step.
  MatrixView<const double> outputs_of(std::size_t i) {
    batch_.gather(data_.train, 1, [i](std::size_t) { return i; });
    return network_.forward(parameters_, batch_.inputs(), {.training = false});
  }

  RunConfiguration run_ = configured(settings());
  Dataset data_ = run_.data->load({});
  Network<double> network_{run_.model, run_.input(), data_.outputs, run_.batch};
  GatheredBatch<double> batch_;
  std::vector<double> parameters_;
};

TEST_F(EvaluationTest, IsTheMeanOverTheTargetsOfAllStepsOfAllExamples) {
  const std::size_t steps = data_.target_steps;
  ASSERT_GT(steps, 1U);
  double sum = 0;
  int correct = 0;
  for (std::size_t i = 0; i < data_.train.size(); ++i) {
    const MatrixView<const double> outputs = outputs_of(i);
    ASSERT_EQ(outputs.rows, steps);
    for (std::size_t t = 0; t < steps; ++t) {
      const double* y = outputs.row(t);
      const auto label = static_cast<std::size_t>(data_.train.labels[i * steps + t]);
      double exponentials = 0;
      for (std::size_t c = 0; c < data_.outputs; ++c) exponentials += std::exp(y[c]);
      sum += std::log(exponentials) - y[label];
      correct += std::max_element(y, y + data_.outputs) == y + label ? 1 : 0;
    }
  }
  const auto targets = static_cast<double>(data_.train.size() * steps);
  const Evaluation found = evaluate<double>(network_, parameters_, *run_.loss, data_.train, batch_);
  EXPECT_NEAR(found.loss, sum / targets, kRelative * found.loss);
  EXPECT_EQ(found.accuracy, correct / targets);
  // An untrained net, which a mistake in the pairing of steps and targets would hardly move.
  EXPECT_GT(correct, 0);
  EXPECT_LT(correct, targets);
}

TEST_F(EvaluationTest, TellsTheTargetOfOneStepFromThoseOfTheOthers) {
  // The classes that the net predicts at each step, as the labels: all right; then one of them wrong.
  const std::size_t steps = data_.target_steps;
  for (std::size_t i = 0; i < data_.train.size(); ++i) {
    const MatrixView<const double> outputs = outputs_of(i);
    for (std::size_t t = 0; t < steps; ++t) {
      const double* y = outputs.row(t);
      data_.train.labels[i * steps + t] =
          static_cast<std::int32_t>(std::max_element(y, y + outputs.cols) - y);
    }
  }
  const auto accuracy = [&] {
    return evaluate<double>(network_, parameters_, *run_.loss, data_.train, batch_).accuracy;
  };
  EXPECT_EQ(accuracy(), 1);
  const auto targets = static_cast<double>(data_.train.labels.size());
  for (const std::size_t target : {std::size_t{0}, 5 * steps + 3, data_.train.labels.size() - 1}) {
    std::int32_t& label = data_.train.labels[target];
    const std::int32_t right = label;
    label = (right + 1) % static_cast<std::int32_t>(data_.outputs);
    EXPECT_EQ(accuracy(), (targets - 1) / targets) << target;
    label = right;
  }
}

TEST_F(EvaluationTest, TakesValuesAtSeveralSteps) {
  const auto loss = loss_catalogue().find("mean_squared_error");
  const std::shared_ptr<const Loss> squared = make_plugin(loss_catalogue(), loss->info.name);
  Dataset valued = data_;
  valued.has_labels = false;
  valued.train.labels.clear();
  const std::size_t steps = valued.target_steps;
  valued.train.values =
      Matrix<float>(Matrix<float>::shape_type{valued.train.size(), steps * valued.outputs}, 0.0F);
  for (std::size_t i = 0; i < valued.train.values.size(); ++i) {
    valued.train.values.data()[i] = static_cast<float>(std::sin(static_cast<double>(i)));
  }
  GatheredBatch<double> batch(valued, run_.batch, run_.input());
  double sum = 0;
  for (std::size_t i = 0; i < valued.train.size(); ++i) {
    const MatrixView<const double> outputs = outputs_of(i);
    for (std::size_t t = 0; t < steps; ++t) {
      for (std::size_t j = 0; j < valued.outputs; ++j) {
        const double apart =
            outputs.row(t)[j] - static_cast<double>(valued.train.values(i, t * valued.outputs + j));
        sum += apart * apart;
      }
    }
  }
  const Evaluation found = evaluate<double>(network_, parameters_, *squared, valued.train, batch);
  const auto values = static_cast<double>(valued.train.values.size());
  EXPECT_NEAR(found.loss, sum / values, kRelative * found.loss);
  EXPECT_TRUE(std::isnan(found.accuracy));
}

TEST_F(EvaluationTest, OfAStreamIsThatOfItsExamples) {
  const Evaluation expected =
      evaluate<double>(network_, parameters_, *run_.loss, data_.train, batch_);
  const auto streamed = [&](std::size_t block) {
    const StreamOf stream(data_.train, block);
    return evaluate<double>(network_, parameters_, *run_.loss, stream, batch_);
  };
  for (const std::size_t block : {1, 5, 7, 14}) {
    EXPECT_NEAR(streamed(block).loss, expected.loss, kRelative * expected.loss) << block;
    EXPECT_EQ(streamed(block).accuracy, expected.accuracy) << block;
  }
  EXPECT_EQ(streamed(7).loss, expected.loss) << "the same batches";
  EXPECT_EQ(streamed(100).loss, expected.loss) << "one block";
}

TEST_F(EvaluationTest, OfNoExamplesOrAStoppedRunIsNotANumber) {
  Examples none = select(data_.train, {});
  EXPECT_TRUE(std::isnan(evaluate<double>(network_, parameters_, *run_.loss, none, batch_).loss));
  const std::atomic<bool> stop{true};
  const StreamOf stream(data_.train, 5);
  EXPECT_TRUE(std::isnan(
      evaluate<double>(network_, parameters_, *run_.loss, data_.train, batch_, &stop).loss));
  EXPECT_TRUE(
      std::isnan(evaluate<double>(network_, parameters_, *run_.loss, stream, batch_, &stop).loss));
}

}  // namespace
}  // namespace plumbline
