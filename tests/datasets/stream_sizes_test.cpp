// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/stream_sizes.hpp"

#include <gtest/gtest.h>

namespace plumbline {
namespace {

/// 1,000 training examples of 12 bytes, 30 to validate, 50 to test.
class Source final : public DataSource {
 public:
  Source(std::size_t window, std::size_t block) : window_(window), block_(block) {}
  std::size_t features() const override { return 2; }
  std::size_t outputs() const override { return 3; }
  SplitSizes sizes() const override { return {1000, 30, 50}; }
  Dataset load(const DataFolders& /*folders*/) const override { return without_examples(); }
  std::size_t window() const override { return window_; }
  std::size_t block() const override { return block_; }

 private:
  std::size_t window_;
  std::size_t block_;
};

TEST(StreamSizes, HaveAllExamplesInMemoryWhereNothingIsStreamed) {
  const Source source(0, 0);
  EXPECT_FALSE(streams_part(source, 1000));
  EXPECT_EQ(shared_bytes(source), 1080 * 12);
  EXPECT_EQ(streaming_bytes(source, 5), 0);
}

TEST(StreamSizes, HaveTheSmallPartsInMemoryWhereTheOthersAreStreamed) {
  const Source source(40, 8);
  EXPECT_FALSE(streams_part(source, 40));
  EXPECT_TRUE(streams_part(source, 41));
  EXPECT_EQ(shared_bytes(source), 30 * 12 + 1080 * 16) << "and where each example stands";
  // Two windows with a batch beside each, three blocks, and the order of a window.
  EXPECT_EQ(streaming_bytes(source, 5), (2 * (40 + 5) + 3 * 8) * 12 + 20 * 40);
}

TEST(StreamSizes, HaveWindowsOfNoMoreThanThereAreExamples) {
  EXPECT_EQ(streaming_bytes(Source(5000, 8), 5), (2 * (1000 + 5) + 3 * 8) * 12 + 20 * 1000);
}

}  // namespace
}  // namespace plumbline
