// SPDX-License-Identifier: Apache-2.0
// adding_problem, temporal_order and copy_memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

// The one symbol of each step of an example.
std::vector<std::size_t> symbols_of(const Dataset& data, std::size_t i) {
  std::vector<std::size_t> symbols;
  for (std::size_t t = 0; t < data.shape.steps; ++t) {
    const float* step = data.train.inputs.data() + i * data.features + t * data.shape.channels;
    EXPECT_EQ(std::count(step, step + data.shape.channels, 1.0F), 1);
    EXPECT_EQ(std::count(step, step + data.shape.channels, 0.0F),
              static_cast<std::ptrdiff_t>(data.shape.channels) - 1);
    symbols.push_back(
        static_cast<std::size_t>(std::find(step, step + data.shape.channels, 1.0F) - step));
  }
  return symbols;
}

TEST(AddingProblemTest, HasTheSumOfItsTwoMarkedValuesAsTarget) {
  const Dataset data = load("adding_problem", {{"steps", node(13)}, {"train", node(500)}});
  EXPECT_EQ(data.shape, (Shape{.steps = 13, .channels = 2}));
  EXPECT_FALSE(data.has_labels);
  ASSERT_EQ(data.outputs, 1U);
  for (std::size_t i = 0; i < 500; ++i) {
    float sum = 0;
    int marked = 0;
    for (std::size_t t = 0; t < 13; ++t) {
      const float value = data.train.inputs(i, 2 * t);
      EXPECT_GE(value, 0.0F);
      EXPECT_LE(value, 1.0F);
      if (data.train.inputs(i, 2 * t + 1) == 0) continue;
      EXPECT_EQ(data.train.inputs(i, 2 * t + 1), 1.0F);
      ++marked;
      sum += value;
    }
    EXPECT_EQ(marked, 2);
    EXPECT_FLOAT_EQ(data.train.values(i, 0), sum);
  }
}

TEST(AddingProblemTest, HasTargetsOfMeanOneAndVarianceASixth) {
  constexpr std::size_t kSequences = 20000;
  constexpr std::size_t kSteps = 10;
  const Dataset data =
      load("adding_problem", {{"steps", node(kSteps)}, {"train", node(kSequences)}});
  double sum = 0;
  double squares = 0;
  std::vector<double> marks(kSteps);
  for (std::size_t i = 0; i < kSequences; ++i) {
    const auto target = static_cast<double>(data.train.values(i, 0));
    sum += target;
    squares += (target - 1) * (target - 1);
    for (std::size_t t = 0; t < kSteps; ++t) {
      marks[t] += static_cast<double>(data.train.inputs(i, 2 * t + 1));
    }
  }
  // The mean of 20,000 has the deviation sqrt(1/6 / 20000) = 0.0029. The square of a triangular number
  // has the fourth moment 1/15, so its own variance is 1/15 - 1/36 and the mean's deviation 0.0014.
  EXPECT_NEAR(sum / kSequences, 1, 4 * 0.0029);
  EXPECT_NEAR(squares / kSequences, 1.0 / 6, 4 * 0.0014);
  // Each step is marked in a share of 2/10, with the deviation sqrt(0.2 0.8 / 20000) = 0.0028.
  for (const double count : marks) EXPECT_NEAR(count / kSequences, 0.2, 4 * 0.0028);
}

TEST(AddingProblemTest, MarksBothOfTwoSteps) {
  const Dataset data = load("adding_problem", {{"steps", node(2)}, {"train", node(20)}});
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(data.train.inputs(i, 1), 1.0F);
    EXPECT_EQ(data.train.inputs(i, 3), 1.0F);
  }
}

TEST(TemporalOrderTest, HasTheOrderOfItsTwoRelevantSymbolsAsClass) {
  constexpr std::size_t kSteps = 30;
  constexpr std::size_t kSequences = 2000;
  const Dataset data =
      load("temporal_order", {{"steps", node(kSteps)}, {"train", node(kSequences)}});
  EXPECT_EQ(data.shape, (Shape{.steps = kSteps, .channels = 8}));
  EXPECT_EQ(data.outputs, 4U);
  std::vector<double> distractors(4);
  std::vector<int> places(kSteps);
  for (std::size_t i = 0; i < kSequences; ++i) {
    const std::vector<std::size_t> symbols = symbols_of(data, i);
    EXPECT_EQ(symbols.front(), 0U) << "E begins";
    EXPECT_EQ(symbols.back(), 1U) << "B ends";
    std::string order;
    for (std::size_t t = 1; t + 1 < kSteps; ++t) {
      ASSERT_GE(symbols[t], 2U);
      if (symbols[t] < 6) {
        ++distractors[symbols[t] - 2];
        continue;
      }
      order += symbols[t] == 6 ? 'X' : 'Y';
      ++places[t];
    }
    const char* classes[] = {"XX", "XY", "YX", "YY"};
    EXPECT_EQ(order, classes[data.train.labels[i]]);
  }
  for (std::size_t t = 0; t < kSteps; ++t) {
    // [T/10, T/5) and [T/2, 3T/5) of 30 steps, 3 steps each: 667 of 2,000, with a deviation of 21.
    const bool relevant = (t >= 3 && t < 6) || (t >= 15 && t < 18);
    EXPECT_NEAR(places[t], relevant ? 667 : 0, relevant ? 90 : 0) << t;
  }
  // 26 of 30 steps, 52,000 in all, a quarter each: a deviation of 99.
  for (const double count : distractors) EXPECT_NEAR(count, 13000, 4 * 99);
  // A quarter of 2,000 each: a deviation of 19.
  for (const int count : class_counts(data.train, 4)) EXPECT_NEAR(count, 500, 4 * 19);
}

TEST(CopyMemoryTest, AsksForItsFirstTenSymbolsBehindTheDelimiter) {
  constexpr std::size_t kDelay = 7;
  constexpr std::size_t kSteps = kDelay + 20;
  const Dataset data = load("copy_memory", {{"delay", node(kDelay)}, {"train", node(300)}});
  EXPECT_EQ(data.shape, (Shape{.steps = kSteps, .channels = 10}));
  EXPECT_EQ(data.target_steps, kSteps);
  EXPECT_EQ(data.outputs, 9U);
  ASSERT_EQ(data.train.labels.size(), 300 * kSteps);
  std::vector<int> counts(8);
  for (std::size_t i = 0; i < 300; ++i) {
    const std::vector<std::size_t> symbols = symbols_of(data, i);
    std::vector<std::size_t> expected_targets(kSteps - 10, 8);
    for (std::size_t t = 0; t < 10; ++t) {
      ASSERT_LT(symbols[t], 8U);
      ++counts[symbols[t]];
      expected_targets.push_back(symbols[t]);
    }
    for (std::size_t t = 10; t < kSteps; ++t) {
      EXPECT_EQ(symbols[t], t == 10 + kDelay - 1 ? 9U : 8U) << t;
    }
    const auto first = data.train.labels.begin() + static_cast<std::ptrdiff_t>(i * kSteps);
    EXPECT_EQ(std::vector<std::size_t>(first, first + kSteps), expected_targets);
  }
  // 3,000 symbols, an eighth each: 375 with a deviation of 18.
  for (const int count : counts) EXPECT_NEAR(count, 375, 4 * 18);
}

TEST(CopyMemoryTest, DealsTheTargetsOfAllStepsWithTheirInputs) {
  const Dataset data =
      load("copy_memory",
           {{"delay", node(1)}, {"train", node(5)}, {"valid", node(4)}, {"test", node(3)}});
  EXPECT_EQ(data.valid.labels.size(), 4 * 21U);
  EXPECT_EQ(data.test.labels.size(), 3 * 21U);
  for (const Examples* part : {&data.valid, &data.test}) {
    for (std::size_t i = 0; i < part->size(); ++i) {
      for (std::size_t t = 0; t < 10; ++t) {
        const auto copied = static_cast<std::size_t>(part->labels[i * 21 + 11 + t]);
        EXPECT_EQ(part->inputs(i, t * 10 + copied), 1.0F);
      }
    }
  }
}

}  // namespace
}  // namespace plumbline
