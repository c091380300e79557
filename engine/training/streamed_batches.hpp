// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <limits>
#include <span>
#include <vector>

#include "engine/core/random.hpp"
#include "engine/datasets/dataset.hpp"

namespace plumbline {

/// The order in which the examples of a stream are taken. Each epoch, the seed's order stream, part =
/// epoch, draws an order of the blocks; then, for each `window` of them that follow each other there, an
/// order of their examples. Where one window has all blocks, that is the order of BatchOrder
/// (training/batches.hpp), and only it is drawn. A pure function of its arguments.
class StreamOrder {
 public:
  StreamOrder(const ExampleStream& stream, std::size_t window, std::int64_t seed)
      : stream_(stream), window_(window), seed_(seed) {}

  /// A window's blocks, and for each of their examples where in the window's order it stands.
  struct Window {
    std::vector<std::uint32_t> blocks;
    std::vector<std::vector<std::uint32_t>> targets;
    std::size_t examples = 0;
  };

  void start(std::int64_t epoch);
  std::int64_t epoch() const { return epoch_; }
  /// Whether the epoch has no more windows.
  bool ended() const { return next_ >= blocks_.size(); }
  Window next();

 private:
  const ExampleStream& stream_;
  std::size_t window_;
  std::int64_t seed_;
  std::int64_t epoch_ = -1;
  Random random_{0, RandomStream::order, 0};
  std::vector<std::uint32_t> blocks_;
  std::size_t next_ = 0;
};

/// The batches of a run whose training examples are streamed: StreamOrder cut into whole batches; what is
/// left over of an epoch is dropped. While one window is used, a thread of its own reads the next, so that
/// two are in memory, each with up to a batch beside it.
class StreamedBatches {
 public:
  /// The stream must outlive the batches, and have at least one. Nothing is read ahead for a step after
  /// `last`. Where `stop` comes true, nothing more is read, and what at() returns is not to be used.
  StreamedBatches(const ExampleStream& stream, std::size_t window, std::size_t batch,
                  std::int64_t seed, const std::atomic<bool>* stop = nullptr,
                  std::int64_t last = std::numeric_limits<std::int64_t>::max());
  ~StreamedBatches();
  StreamedBatches(const StreamedBatches&) = delete;
  StreamedBatches& operator=(const StreamedBatches&) = delete;

  /// The batch of the update after `step` updates: `batch` examples from number `first` on.
  struct Rows {
    const Examples& examples;
    std::size_t first;
  };
  /// From now on reads whatever `stop` is.
  void stop_for_nothing();
  /// Valid until the next call. Fast where steps follow each other. Throws what reading throws.
  Rows at(std::int64_t step);

 private:
  // Examples that follow each other in an epoch's order.
  struct Chunk {
    std::int64_t epoch = -1;
    std::size_t begin = 0;  // place in the epoch's order
    std::size_t end = 0;
    Examples examples;  // room for at least these
  };

  std::int64_t batches() const { return static_cast<std::int64_t>(stream_.size() / batch_); }
  bool has(const Chunk& chunk, std::int64_t epoch, std::size_t first) const;
  void go_to(std::int64_t epoch, std::size_t first);
  void read_ahead();
  bool stopped() const { return cancelled_ || (stop_ != nullptr && *stop_); }
  void fill(Chunk& chunk, const Chunk* before, std::size_t first);
  void read(const StreamOrder::Window& window, std::size_t to, std::size_t rows,
            Chunk& chunk) const;

  const ExampleStream& stream_;
  std::size_t batch_;
  std::int64_t last_;
  StreamOrder order_;    // of the thread that reads
  std::size_t row_ = 0;  // where in the epoch the order's next window begins
  Chunk current_;
  Chunk next_;
  std::future<void> reading_;
  const std::atomic<bool>* stop_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace plumbline
