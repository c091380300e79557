// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "engine/training/batches.hpp"
#include "engine/training/streamed_batches.hpp"

namespace plumbline {

/// The batches of a run's training examples, in memory or streamed, by the update that they are for.
class BatchSource {
 public:
  /// The data must outlive it, and hold a batch. Streamed examples are not read ahead for an update after
  /// `last`. Where `stop` comes true, they are read no further, and what is gathered is not to be used.
  BatchSource(const Dataset& data, std::size_t batch, std::int64_t seed, std::int64_t last,
              const std::atomic<bool>* stop)
      : data_(data), batch_(batch), stop_(stop), order_(data.train.size(), batch, seed) {
    if (const auto& train = data.streamed.train; train != nullptr) {
      streamed_ =
          std::make_unique<StreamedBatches>(*train, data.streamed.window, batch, seed, stop, last);
    }
  }

  /// From now on `stop` stops nothing.
  void stop_for_nothing() {
    stop_ = nullptr;
    if (streamed_ != nullptr) streamed_->stop_for_nothing();
  }

  std::int64_t in_an_epoch() const {
    const auto& train = data_.streamed.train;
    const std::size_t examples = train == nullptr ? data_.train.size() : train->size();
    return static_cast<std::int64_t>(examples / batch_);
  }

  /// Gathers the batch of the update after `step` updates. Throws EnvironmentError where streamed examples
  /// cannot be read.
  template <typename T>
  void gather(std::int64_t step, GatheredBatch<T>& batch) {
    if (streamed_ != nullptr) {
      const StreamedBatches::Rows rows = streamed_->at(step);
      if (stop_ != nullptr && *stop_) return;
      batch.gather(rows.examples, batch_, [&](std::size_t row) { return rows.first + row; });
      return;
    }
    const auto examples = order_.at(step);
    batch.gather(data_.train, examples.size(), [&](std::size_t row) { return examples[row]; });
  }

 private:
  const Dataset& data_;
  std::size_t batch_;
  const std::atomic<bool>* stop_;
  BatchOrder order_;                           // of examples in memory
  std::unique_ptr<StreamedBatches> streamed_;  // null for these
};

}  // namespace plumbline
