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
#include "engine/layers/buffer.hpp"
#include "engine/losses/loss.hpp"

namespace plumbline {

/// A batch of examples in the run's precision and as a net takes it (layers/layer.hpp), gathered from
/// single-precision sets: the first steps of all examples, then the second ones, and so on. Targets at
/// each step stand in the same order.
template <typename T>
class GatheredBatch {
 public:
  /// `shape`: how the net takes the data's features.
  GatheredBatch(const Dataset& data, std::size_t examples, const Shape& shape)
      : shape_(shape),
        target_steps_(data.target_steps),
        inputs_(examples * shape.steps, shape),
        labels_(data.has_labels ? examples * data.target_steps : 0),
        values_(typename Matrix<T>::shape_type{data.has_labels ? 0 : examples * data.target_steps,
                                               data.outputs}) {}
  /// As vectors.
  GatheredBatch(const Dataset& data, std::size_t examples)
      : GatheredBatch(data, examples, Shape::vector(data.features)) {}

  /// Takes the `n` examples index(0), index(1), ...
  template <class Index>
  void gather(const Examples& examples, std::size_t n, const Index& index) {
    examples_ = n;
    const MatrixView<T> inputs = inputs_.first_rows(n * shape_.steps);
    for (std::size_t i = 0; i < n; ++i) {
      if (i + kExamplesAhead < n) prefetch(examples, index(i + kExamplesAhead));
      const std::size_t example = index(i);
      const float* from = examples.inputs.data() + example * shape_.size();
      for (std::size_t step = 0; step < shape_.steps; ++step, from += shape_.values()) {
        copy_step(from, inputs.row(step * n + i));
      }
      for (std::size_t step = 0; step < target_steps_; ++step) {
        const std::size_t target = example * target_steps_ + step;
        const std::size_t row = step * n + i;
        if (!labels_.empty()) {
          labels_[row] = examples.labels[target];
        } else {
          const std::size_t outputs = values_.shape()[1];
          copy(examples.values.data() + target * outputs, outputs, values_.data() + row * outputs);
        }
      }
    }
  }

  std::size_t examples() const { return examples_; }
  MatrixView<const T> inputs() const { return inputs_.first_rows(examples_ * shape_.steps); }
  /// Targets of the batch, each of which has a loss: what a mean loss is the mean over.
  std::size_t target_rows() const { return examples_ * target_steps_; }
  Targets<T> targets() const {
    if (!labels_.empty()) return {std::span(labels_).first(target_rows()), {}};
    return {{}, view(values_).first_rows(target_rows())};
  }

 private:
  static void copy(const float* from, std::size_t n, T* to) {
    std::transform(from, from + n, to, [](float value) { return static_cast<T>(value); });
  }
  // Sets have images plane by plane, nets pixel by pixel.
  void copy_step(const float* from, T* to) const {
    const std::size_t pixels = shape_.height * shape_.width;
    if (pixels == 1 || shape_.channels == 1) return copy(from, shape_.values(), to);
    for (std::size_t c = 0; c < shape_.channels; ++c) {
      for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
        to[pixel * shape_.channels + c] = static_cast<T>(*from++);
      }
    }
  }

  // Examples stand anywhere in a set that may be larger than all caches: the inputs of the next ones
  // are on their way while one is copied.
  static constexpr std::size_t kExamplesAhead = 4;
  void prefetch(const Examples& examples, std::size_t example) const {
    constexpr std::size_t kLine = 64 / sizeof(float);
    const float* from = examples.inputs.data() + example * shape_.size();
    for (std::size_t j = 0; j < shape_.size(); j += kLine) __builtin_prefetch(from + j);
  }

  Shape shape_;
  std::size_t target_steps_;
  std::size_t examples_ = 0;
  Buffer<T> inputs_;
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
