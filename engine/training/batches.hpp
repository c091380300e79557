// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/core/random.hpp"
#include "engine/core/tensor.hpp"
#include "engine/datasets/dataset.hpp"
#include "engine/layers/dense.hpp"
#include "engine/losses/loss.hpp"

namespace plumbline {

/// A batch of examples in the run's precision, gathered from single-precision sets. Where examples have
/// several targets, these stand in rows of their own: example after example, step after step.
template <typename T>
class GatheredBatch {
 public:
  GatheredBatch(const Dataset& data, std::size_t rows)
      : features_(data.features),
        target_steps_(data.target_steps),
        inputs_(typename Matrix<T>::shape_type{rows, padded_stride<T>(data.features)}, T(0)),
        labels_(data.has_labels ? rows * data.target_steps : 0),
        values_(typename Matrix<T>::shape_type{data.has_labels ? 0 : rows * data.target_steps,
                                               data.outputs}) {}

  /// Takes the `rows` examples index(0), index(1), ...
  template <class Index>
  void gather(const Examples& examples, std::size_t rows, const Index& index) {
    rows_ = rows;
    for (std::size_t row = 0; row < rows; ++row) {
      if (row + kRowsAhead < rows) prefetch(examples, index(row + kRowsAhead));
      const std::size_t example = index(row);
      const float* from = examples.inputs.data() + example * features_;
      std::transform(from, from + features_, inputs_.data() + row * inputs_.shape()[1],
                     [](float value) { return static_cast<T>(value); });
      if (!labels_.empty()) {
        std::copy_n(examples.labels.data() + example * target_steps_, target_steps_,
                    labels_.data() + row * target_steps_);
      } else {
        const std::size_t size = target_steps_ * values_.shape()[1];
        const float* target = examples.values.data() + example * size;
        std::transform(target, target + size, values_.data() + row * size,
                       [](float value) { return static_cast<T>(value); });
      }
    }
  }

  MatrixView<const T> inputs() const {
    return {inputs_.data(), rows_, features_, inputs_.shape()[1]};
  }
  /// Targets of the batch, each of which has a loss: what a mean loss is the mean over.
  std::size_t target_rows() const { return rows_ * target_steps_; }
  Targets<T> targets() const {
    if (!labels_.empty()) return {std::span(labels_).first(target_rows()), {}};
    return {{}, view(values_).first_rows(target_rows())};
  }

 private:
  // Examples stand anywhere in a set that may be larger than all caches: the inputs of the next ones
  // are on their way while one is copied.
  static constexpr std::size_t kRowsAhead = 4;
  void prefetch(const Examples& examples, std::size_t example) const {
    constexpr std::size_t kLine = 64 / sizeof(float);
    const float* from = examples.inputs.data() + example * features_;
    for (std::size_t j = 0; j < features_; j += kLine) __builtin_prefetch(from + j);
  }

  std::size_t features_;
  std::size_t target_steps_;
  std::size_t rows_ = 0;
  Matrix<T> inputs_;
  std::vector<std::int32_t> labels_;
  Matrix<T> values_;
};

/// Which examples each step takes: every epoch a new random order from the seed's order stream, part
/// = epoch, cut into whole batches; what is left over is dropped.
class BatchOrder {
 public:
  BatchOrder(std::size_t examples, std::size_t batch, std::int64_t seed)
      : batch_(batch), seed_(seed), order_(examples) {}

  /// The examples of the update after `step` updates; valid until the next call.
  std::span<const std::uint32_t> at(std::int64_t step) {
    const auto batches = static_cast<std::int64_t>(order_.size() / batch_);
    const std::int64_t epoch = step / batches;
    if (epoch != epoch_) {
      Random(seed_, RandomStream::order, static_cast<std::uint32_t>(epoch))
          .permutation(std::span(order_));
      epoch_ = epoch;
    }
    return std::span(order_).subspan(static_cast<std::size_t>(step % batches) * batch_, batch_);
  }

 private:
  std::size_t batch_;
  std::int64_t seed_;
  std::int64_t epoch_ = -1;
  std::vector<std::uint32_t> order_;
};

}  // namespace plumbline
