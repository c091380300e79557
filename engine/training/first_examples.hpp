// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>

#include "engine/datasets/examples.hpp"
#include "engine/probes/probe.hpp"
#include "engine/training/batches.hpp"

namespace plumbline {

/// The first examples of a dataset's training part, for probes. Those of a stream are read here, and kept.
template <typename T>
class FirstTrainExamples final : public FirstExamples<T> {
 public:
  /// `batch`: the most that are asked for at once. `data` must outlive this, which reads nothing where
  /// `wanted` is 0.
  FirstTrainExamples(const Dataset& data, std::size_t wanted, std::size_t batch, const Shape& shape)
      : read_(data.streamed.train == nullptr ? Examples() : first_of(*data.streamed.train, wanted)),
        examples_(data.streamed.train == nullptr ? data.train : read_),
        size_(wanted == 0 ? 0 : std::min(wanted, examples_.size())),
        shown_(size_),
        batch_(data, size_ == 0 ? 0 : batch, shape) {}
  FirstTrainExamples(const FirstTrainExamples&) = delete;
  FirstTrainExamples& operator=(const FirstTrainExamples&) = delete;

  /// From now on there are at most so many, for the probe that is called next.
  void show(std::size_t most) { shown_ = std::min(most, size_); }

  std::size_t size() const override { return shown_; }
  MatrixView<const T> inputs(std::size_t first, std::size_t count) override {
    batch_.gather(examples_, count, [first](std::size_t row) { return first + row; });
    return batch_.inputs();
  }
  Targets<T> targets() const override { return batch_.targets(); }

 private:
  static Examples first_of(const ExampleStream& stream, std::size_t wanted) {
    Examples first;
    std::size_t taken = 0;
    const std::size_t count = std::min(wanted, stream.size());
    for (std::size_t block = 0; block < stream.blocks() && taken < count; ++block) {
      const Examples read = stream.read(block);
      if (read.size() == 0) continue;
      if (taken == 0) first = room_for(count, read);
      for (std::size_t i = 0; i < read.size() && taken < count; ++i) {
        copy_example(read, i, first, taken++);
      }
    }
    return first;
  }

  Examples read_;
  const Examples& examples_;
  std::size_t size_;
  std::size_t shown_;
  GatheredBatch<T> batch_;
};

}  // namespace plumbline
