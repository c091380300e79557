// SPDX-License-Identifier: Apache-2.0
#include "engine/training/batches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

namespace plumbline {
namespace {

using testing::ElementsAre;

std::vector<std::uint32_t> epoch_of(BatchOrder& order, std::int64_t first, std::int64_t batches) {
  std::vector<std::uint32_t> examples;
  for (std::int64_t step = first; step < first + batches; ++step) {
    for (const std::uint32_t example : order.at(step)) examples.push_back(example);
  }
  return examples;
}

TEST(BatchOrderTest, VisitsEveryExampleOncePerEpoch) {
  BatchOrder order(60, 12, 1);
  for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
    const auto examples = epoch_of(order, epoch * 5, 5);
    EXPECT_EQ(examples.size(), 60U);
    EXPECT_EQ(std::set(examples.begin(), examples.end()).size(), 60U);
    EXPECT_LT(*std::ranges::max_element(examples), 60U);
  }
}

TEST(BatchOrderTest, DropsWhatIsLeftOfAnEpochAndAnotherPartEachTime) {
  BatchOrder order(61, 12, 1);
  std::set<std::uint32_t> dropped;
  for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
    const auto examples = epoch_of(order, epoch * 5, 5);
    const std::set<std::uint32_t> seen(examples.begin(), examples.end());
    EXPECT_EQ(seen.size(), 60U);
    for (std::uint32_t example = 0; example < 61; ++example) {
      if (!seen.contains(example)) dropped.insert(example);
    }
  }
  EXPECT_GT(dropped.size(), 10U) << "20 draws of one in 61";
}

TEST(BatchOrderTest, IsAnotherOneInEachEpochAndForEachSeed) {
  BatchOrder one(60, 12, 1);
  BatchOrder same(60, 12, 1);
  BatchOrder other(60, 12, 2);
  const auto first = epoch_of(one, 0, 5);
  EXPECT_EQ(epoch_of(same, 0, 5), first);
  EXPECT_NE(epoch_of(one, 5, 5), first);
  EXPECT_NE(epoch_of(other, 0, 5), first);
}

TEST(BatchOrderTest, IsAFunctionOfTheStepAlone) {
  BatchOrder order(60, 12, 1);
  const auto early = epoch_of(order, 3, 1);
  epoch_of(order, 17, 1);
  EXPECT_EQ(epoch_of(order, 3, 1), early);
}

TEST(GatheredBatchTest, TakesTheRowsAskedForWithTheirTargets) {
  Dataset data{.features = 2, .outputs = 3};
  data.train.inputs = Matrix<float>{{0, 1}, {2, 3}, {4, 5}};
  data.train.labels = {2, 0, 1};
  GatheredBatch<double> batch(data, 3);
  const std::vector<std::size_t> rows = {2, 0};
  batch.gather(data.train, 2, [&](std::size_t row) { return rows[row]; });
  ASSERT_EQ(batch.inputs().rows, 2U);
  ASSERT_EQ(batch.inputs().cols, 2U);
  EXPECT_EQ(batch.inputs()(0, 0), 4);
  EXPECT_EQ(batch.inputs()(0, 1), 5);
  EXPECT_EQ(batch.inputs()(1, 1), 1);
  EXPECT_THAT(batch.targets().labels, ElementsAre(1, 2));
  EXPECT_TRUE(batch.targets().values.empty());
}

TEST(GatheredBatchTest, TakesTargetValues) {
  Dataset data{.features = 1, .outputs = 2, .has_labels = false};
  data.train.inputs = Matrix<float>{{0}, {2}, {4}};
  data.train.values = Matrix<float>{{1, 2}, {3, 4}, {5, 6}};
  GatheredBatch<float> batch(data, 3);
  batch.gather(data.train, 2, [](std::size_t row) { return row + 1; });
  EXPECT_TRUE(batch.targets().labels.empty());
  ASSERT_EQ(batch.targets().values.rows, 2U);
  EXPECT_EQ(batch.targets().values(0, 1), 4);
  EXPECT_EQ(batch.targets().values(1, 0), 5);
}

TEST(GatheredBatchTest, TakesTheTargetsStepByStep) {
  Dataset labelled{.features = 1, .outputs = 3, .shape = {}, .target_steps = 2};
  labelled.train.inputs = Matrix<float>{{0}, {2}, {4}};
  labelled.train.labels = {0, 1, 2, 0, 1, 2};
  GatheredBatch<float> labels(labelled, 3);
  labels.gather(labelled.train, 2, [](std::size_t row) { return 2 - row; });
  EXPECT_EQ(labels.inputs().rows, 2U);
  EXPECT_EQ(labels.target_rows(), 4U);
  EXPECT_THAT(labels.targets().labels, ElementsAre(1, 2, 2, 0));

  Dataset valued{.features = 1, .outputs = 1, .has_labels = false, .shape = {}, .target_steps = 2};
  valued.train.inputs = labelled.train.inputs;
  valued.train.values = Matrix<float>{{1, 2}, {3, 4}, {5, 6}};
  GatheredBatch<double> values(valued, 3);
  values.gather(valued.train, 2, [](std::size_t row) { return row + 1; });
  const MatrixView<const double> targets = values.targets().values;
  ASSERT_EQ(targets.rows, 4U);
  ASSERT_EQ(targets.cols, 1U);
  EXPECT_THAT(std::vector(targets.data, targets.data + 4), ElementsAre(3, 5, 4, 6));
}

TEST(GatheredBatchTest, TakesSequencesStepByStepAndImagesPixelByPixel) {
  Dataset sequences{.features = 4, .outputs = 1, .shape = Shape::sequence(2, 2)};
  sequences.train.inputs = Matrix<float>{{0, 1, 2, 3}, {4, 5, 6, 7}};
  sequences.train.labels = {0, 0};
  GatheredBatch<float> steps(sequences, 2, sequences.shape);
  steps.gather(sequences.train, 2, [](std::size_t i) { return i; });
  const MatrixView<const float> rows = steps.inputs();
  ASSERT_EQ(rows.rows, 4U);
  EXPECT_THAT(std::vector(rows.row(1), rows.row(1) + 2), ElementsAre(4, 5));
  EXPECT_THAT(std::vector(rows.row(2), rows.row(2) + 2), ElementsAre(2, 3));

  // Two channels of 1 x 3 pixels.
  Dataset images{.features = 6, .outputs = 1, .shape = Shape::image(2, 1, 3)};
  images.train.inputs = Matrix<float>{{0, 1, 2, 10, 11, 12}};
  images.train.labels = {0};
  GatheredBatch<float> pixels(images, 1, images.shape);
  pixels.gather(images.train, 1, [](std::size_t i) { return i; });
  const float* row = pixels.inputs().row(0);
  EXPECT_THAT(std::vector(row, row + 6), ElementsAre(0, 10, 1, 11, 2, 12));
}

}  // namespace
}  // namespace plumbline
