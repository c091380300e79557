// SPDX-License-Identifier: Apache-2.0
// Whole runs on streamed examples, beside the same runs in memory.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/core/hdf5_file.hpp"
#include "tests/datasets/data_files.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {
namespace {

class StreamedTrainingTest : public testing::Test {
 protected:
  StreamedTrainingTest() {
    constexpr std::size_t kRows = 500;
    constexpr std::size_t kFeatures = 6;
    std::vector<double> inputs;
    std::vector<double> labels;
    for (std::size_t i = 0; i < kRows; ++i) {
      labels.push_back(static_cast<double>(i % 3));
      for (std::size_t j = 0; j < kFeatures; ++j) {
        inputs.push_back(std::sin(static_cast<double>(i * kFeatures + j)) + (j % 3 == i % 3));
      }
    }
    Hdf5File file(path());
    file.add("inputs", {kRows, kFeatures}, inputs, H5T_IEEE_F32LE);
    file.add("labels", {kRows}, labels, H5T_STD_U8LE);
  }

  std::string path() const { return (folder_.path() / "own.h5").string(); }
  std::vector<Setting> in_memory() const {
    return {{"data.name", node("hdf5")},      {"data.file", node(path())},
            {"data.valid", node(60)},         {"data.test", node(40)},
            {"model.depth", node(2)},         {"model.width", node(13)},
            {"optimizer.name", node("adam")}, {"train.batch", node(32)},
            {"train.epochs", node(3)},        {"train.evaluate.every", node(10)}};
  }
  std::vector<Setting> streamed(int block, int window) const {
    return with(
        in_memory(),
        {{"data.stream", node(true)}, {"data.block", node(block)}, {"data.window", node(window)}});
  }

  DataFolder folder_;
};

const std::vector<std::string> kMetrics = {"train_loss", "train_accuracy", "valid_loss",
                                           "valid_accuracy"};

TEST_F(StreamedTrainingTest, HasTheBitsOfMemoryWhereOneBlockHasAll) {
  for (const char* precision : {"float32", "float64"}) {
    const std::vector<Setting> more = {{"model.precision", node(precision)},
                                       {"data.standardize", node(true)},
                                       {"data.label_noise", node(0.1)},
                                       {"data.input_noise", node(0.1)}};
    const RunRecord expected = trained(with(in_memory(), more));
    const RunRecord found = trained(with(streamed(500, 1), more));
    EXPECT_EQ(expected.status, RunStatus::complete);
    EXPECT_EQ(found.digest, expected.digest);
    for (const std::string& name : kMetrics) EXPECT_EQ(metric(found, name), metric(expected, name));
    EXPECT_EQ(found.summary, expected.summary);
  }
}

TEST_F(StreamedTrainingTest, FindsTheStatisticsOfAveragedWeightsAsInMemory) {
  const std::vector<Setting> more = {{"model.normalization.name", node("batch_norm")},
                                     {"optimizer.name", node("ema")}};
  const RunRecord expected = trained(with(in_memory(), more));
  EXPECT_EQ(trained(with(streamed(500, 1), more)).summary, expected.summary);
}

TEST_F(StreamedTrainingTest, TakesTheStepsOfMemoryWhereOneWindowHasAllBlocks) {
  const RunRecord expected = trained(in_memory());
  const RunRecord found = trained(streamed(37, 14));
  EXPECT_EQ(found.digest, expected.digest);
  EXPECT_EQ(metric(found, "train_accuracy"), metric(expected, "train_accuracy"));
  // Evaluated block by block: the sum of 400 losses in another order.
  constexpr double kRelative = 1e-6;
  const double loss = summary(expected, "final_train_loss");
  EXPECT_NEAR(summary(found, "final_train_loss"), loss, kRelative * loss);
}

TEST_F(StreamedTrainingTest, IsRepeatedBitByBitInSmallWindows) {
  const RunRecord one = trained(streamed(37, 2));
  const RunRecord again = trained(streamed(37, 2));
  EXPECT_EQ(one.digest, again.digest);
  for (const std::string& name : kMetrics) EXPECT_EQ(metric(one, name), metric(again, name));
  EXPECT_NE(one.digest, trained(in_memory()).digest) << "another order of the examples";
  EXPECT_LT(summary(one, "final_train_loss"), 0.8 * metric(one, "train_loss").front());
}

TEST_F(StreamedTrainingTest, TakesAllExamplesInAStepAndStreamsLargeParts) {
  // Validation and test parts are larger than a window.
  const RunRecord expected = trained(with(in_memory(), {{"train.batch", node(400)}}));
  const RunRecord found = trained(with(streamed(7, 2), {{"train.batch", node(400)}}));
  EXPECT_EQ(found.steps, expected.steps);
  for (const char* name : {"final_train_loss", "final_valid_loss", "final_test_loss"}) {
    // The same three steps but for the order of the 400 examples within each.
    constexpr double kRelative = 1e-4;
    EXPECT_NEAR(summary(found, name), summary(expected, name), kRelative) << name;
  }
}

TEST_F(StreamedTrainingTest, EndsWhereItsFileIsCutWhileItTrains) {
  const RunConfiguration run = configured(streamed(10, 1));
  const Dataset data = run.data->load({});
  std::filesystem::resize_file(path(), std::filesystem::file_size(path()) / 2);
  const std::string message = environment_error([&] { trained(run, data); });
  EXPECT_EQ(message.substr(0, path().size() + 2), path() + ": ");
}

}  // namespace
}  // namespace plumbline
