// SPDX-License-Identifier: Apache-2.0
#include "engine/training/streamed_batches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "engine/core/error.hpp"
#include "engine/training/batches.hpp"

namespace plumbline {
namespace {

/// Examples whose input is their place: place p is in block (5 p) mod blocks.
class FakeStream final : public ExampleStream {
 public:
  FakeStream(std::size_t examples, std::size_t blocks) : members_(blocks) {
    for (std::uint32_t p = 0; p < examples; ++p) members_[5 * p % blocks].push_back(p);
    size_ = examples;
  }

  std::size_t size() const override { return size_; }
  std::size_t blocks() const override { return members_.size(); }
  std::vector<std::uint32_t> places(std::size_t block) const override { return members_[block]; }
  Examples read(std::size_t block) const override {
    ++reads;
    if (block == bad_block) throw EnvironmentError("block " + std::to_string(block));
    Examples examples;
    examples.inputs = Matrix<float>(Matrix<float>::shape_type{members_[block].size(), 1});
    for (std::size_t i = 0; i < members_[block].size(); ++i) {
      examples.inputs(i, 0) = static_cast<float>(members_[block][i]);
      examples.labels.push_back(static_cast<std::int32_t>(members_[block][i]));
    }
    return examples;
  }

  mutable std::atomic<int> reads{0};
  std::size_t bad_block = SIZE_MAX;

 private:
  std::vector<std::vector<std::uint32_t>> members_;
  std::size_t size_ = 0;
};

std::vector<std::uint32_t> batch_at(StreamedBatches& batches, std::int64_t step, std::size_t size) {
  const StreamedBatches::Rows rows = batches.at(step);
  std::vector<std::uint32_t> places;
  for (std::size_t i = rows.first; i < rows.first + size; ++i) {
    places.push_back(static_cast<std::uint32_t>(rows.examples.inputs(i, 0)));
    EXPECT_EQ(rows.examples.labels[i], static_cast<std::int32_t>(places.back()));
  }
  return places;
}

std::vector<std::uint32_t> epoch_of(StreamedBatches& batches, std::int64_t epoch, std::size_t size,
                                    std::int64_t steps) {
  std::vector<std::uint32_t> places;
  for (std::int64_t step = epoch * steps; step < (epoch + 1) * steps; ++step) {
    const auto batch = batch_at(batches, step, size);
    places.insert(places.end(), batch.begin(), batch.end());
  }
  return places;
}

TEST(StreamedBatchesTest, ReadsNothingBehindTheLastStep) {
  const FakeStream stream(60, 6);
  for (const std::int64_t last : {5, 8}) {
    const int before = stream.reads;
    {
      StreamedBatches batches(stream, 2, 10, 1, nullptr, last);
      for (std::int64_t step = 0; step <= last; ++step) batch_at(batches, step, 10);
      batches.stop_for_nothing();  // waits for what is being read
    }
    // Six blocks an epoch of six batches; of the second epoch the two windows that hold batches 6 to 8.
    EXPECT_EQ(stream.reads - before, last == 5 ? 6 : 10) << last;
  }
}

TEST(StreamedBatchesTest, VisitsEveryExampleOncePerEpochInAnotherOrder) {
  const FakeStream stream(60, 7);
  StreamedBatches batches(stream, 2, 12, 1);
  std::set<std::vector<std::uint32_t>> orders;
  for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
    const auto places = epoch_of(batches, epoch, 12, 5);
    EXPECT_EQ(std::set(places.begin(), places.end()).size(), 60U);
    orders.insert(places);
  }
  EXPECT_EQ(orders.size(), 20U);
}

TEST(StreamedBatchesTest, DropsWhatIsLeftOfAnEpochAndAnotherPartEachTime) {
  const FakeStream stream(61, 7);
  StreamedBatches batches(stream, 3, 12, 1);
  std::set<std::uint32_t> dropped;
  for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
    const auto places = epoch_of(batches, epoch, 12, 5);
    const std::set<std::uint32_t> seen(places.begin(), places.end());
    EXPECT_EQ(seen.size(), 60U);
    for (std::uint32_t place = 0; place < 61; ++place) {
      if (!seen.contains(place)) dropped.insert(place);
    }
  }
  EXPECT_GT(dropped.size(), 10U) << "20 draws of one in 61";
}

TEST(StreamedBatchesTest, HasTheOrderInMemoryWhereOneWindowHasAllBlocks) {
  const FakeStream stream(61, 7);
  for (const std::size_t window : {7, 100}) {
    StreamedBatches batches(stream, window, 12, 5);
    BatchOrder order(61, 12, 5);
    for (std::int64_t step = 0; step < 23; ++step) {
      const auto expected = order.at(step);
      EXPECT_TRUE(std::ranges::equal(batch_at(batches, step, 12), expected)) << step;
    }
  }
}

TEST(StreamedBatchesTest, TakesTheExamplesOfAWindowBeforeThoseOfTheNext) {
  const FakeStream stream(60, 6);  // 10 each
  StreamedBatches batches(stream, 2, 10, 1);
  std::set<std::set<std::uint32_t>> windows;
  for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
    const auto places = epoch_of(batches, epoch, 10, 6);
    for (std::size_t window = 0; window < 3; ++window) {
      std::set<std::uint32_t> blocks;
      for (std::size_t i = 20 * window; i < 20 * (window + 1); ++i) {
        blocks.insert(5 * places[i] % 6);
      }
      EXPECT_EQ(blocks.size(), 2U) << "epoch " << epoch << ", window " << window;
      windows.insert(blocks);
    }
  }
  EXPECT_GT(windows.size(), 10U) << "of 15 pairs in 60 draws";
}

TEST(StreamedBatchesTest, MixesTheBlocksOfAWindow) {
  const FakeStream stream(4000, 4);
  StreamedBatches batches(stream, 4, 1000, 1);
  // Of 1,000 draws from 4,000 the number in a block of 1,000 is 250, with deviation sqrt(1000 / 4 *
  // 3 / 4 * 3 / 4) = 11.9; five of these are allowed.
  for (std::int64_t step = 0; step < 4; ++step) {
    std::vector<int> of_block(4);
    for (const std::uint32_t place : batch_at(batches, step, 1000)) ++of_block[5 * place % 4];
    for (const int count : of_block) EXPECT_NEAR(count, 250, 60);
  }
}

TEST(StreamedBatchesTest, IsAFunctionOfTheStepAlone) {
  const FakeStream stream(61, 7);
  StreamedBatches one(stream, 2, 12, 1);
  std::vector<std::vector<std::uint32_t>> in_turn;
  for (std::int64_t step = 0; step < 40; ++step) in_turn.push_back(batch_at(one, step, 12));
  for (const std::int64_t step : {39, 3, 4, 4, 17, 0, 1, 36, 14}) {
    EXPECT_EQ(batch_at(one, step, 12), in_turn[static_cast<std::size_t>(step)]) << step;
    StreamedBatches fresh(stream, 2, 12, 1);
    EXPECT_EQ(batch_at(fresh, step, 12), in_turn[static_cast<std::size_t>(step)]) << step;
  }
  StreamedBatches other(stream, 2, 12, 2);
  EXPECT_NE(batch_at(other, 0, 12), in_turn[0]);
}

TEST(StreamedBatchesTest, HasBatchesThatAreLargerThanWindowsAndBlocksWithoutExamples) {
  const FakeStream stream(5, 14);  // 9 blocks are empty
  StreamedBatches batches(stream, 1, 4, 1);
  for (std::int64_t step = 0; step < 10; ++step) {
    const auto places = batch_at(batches, step, 4);
    EXPECT_EQ(std::set(places.begin(), places.end()).size(), 4U);
  }
  StreamedBatches whole(stream, 1, 5, 1);
  EXPECT_THAT(batch_at(whole, 3, 5), testing::UnorderedElementsAre(0, 1, 2, 3, 4));
  EXPECT_THROW(StreamedBatches(stream, 1, 6, 1), std::invalid_argument);
}

TEST(StreamedBatchesTest, ReadsEachBlockOnceAnEpochAndAWindowAhead) {
  const FakeStream stream(60, 6);
  {
    StreamedBatches batches(stream, 1, 10, 1);
    epoch_of(batches, 0, 10, 6);
  }
  EXPECT_GE(stream.reads, 6);
  EXPECT_LE(stream.reads, 7);
}

TEST(StreamedBatchesTest, ThrowsWhatTheThreadThatReadsThrew) {
  FakeStream stream(60, 6);
  StreamOrder order(stream, 1, 1);
  order.start(0);
  order.next();
  stream.bad_block = order.next().blocks.front();
  StreamedBatches batches(stream, 1, 10, 1);
  batch_at(batches, 0, 10);
  EXPECT_THROW(batch_at(batches, 1, 10), EnvironmentError);
}

TEST(StreamedBatchesTest, ReadsAgainWhatCouldNotBeRead) {
  FakeStream stream(60, 1);
  stream.bad_block = 0;
  StreamedBatches batches(stream, 1, 10, 1);
  EXPECT_THROW(batches.at(0), EnvironmentError);
  stream.bad_block = SIZE_MAX;
  StreamedBatches fresh(stream, 1, 10, 1);
  EXPECT_EQ(batch_at(batches, 0, 10), batch_at(fresh, 0, 10));
}

TEST(StreamedBatchesTest, ReadsNothingWhereItIsToStopUntilThatIsTakenBack) {
  FakeStream stream(60, 6);
  const std::atomic<bool> stop{true};
  StreamedBatches batches(stream, 2, 10, 1, &stop);
  batches.at(0);
  EXPECT_EQ(stream.reads, 0);
  batches.stop_for_nothing();
  StreamedBatches fresh(stream, 2, 10, 1);
  EXPECT_EQ(epoch_of(batches, 0, 10, 6), epoch_of(fresh, 0, 10, 6));
}

}  // namespace
}  // namespace plumbline
