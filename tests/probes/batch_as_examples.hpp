// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>

#include "engine/probes/probe.hpp"
#include "tests/network/net_and_batch.hpp"

namespace plumbline {

/// The batch of a test, or the first `count` of it, as the first examples of a training set.
template <typename T>
class BatchAsExamples final : public FirstExamples<T> {
 public:
  explicit BatchAsExamples(const NetAndBatch<T>& example)
      : BatchAsExamples(example, example.inputs().rows) {}
  BatchAsExamples(const NetAndBatch<T>& example, std::size_t count)
      : inputs_(example.inputs()),
        targets_(example.targets()),
        size_(std::min(count, inputs_.rows)) {}

  std::size_t size() const override { return size_; }
  MatrixView<const T> inputs(std::size_t first, std::size_t count) override {
    first_ = first;
    count_ = count;
    return rows_of(inputs_);
  }
  Targets<T> targets() const override {
    if (!targets_.labels.empty()) return {targets_.labels.subspan(first_, count_), {}};
    return {{}, rows_of(targets_.values)};
  }

 private:
  MatrixView<const T> rows_of(MatrixView<const T> all) const {
    return {all.row(first_), count_, all.cols, all.stride};
  }

  MatrixView<const T> inputs_;
  Targets<T> targets_;
  std::size_t size_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace plumbline
