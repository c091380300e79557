// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/core/catalogue.hpp"
#include "engine/core/matrix_view.hpp"

namespace plumbline {

/// What the outputs of a batch should be: a class label for each example, or a row of values.
/// Exactly one of the two is filled.
template <typename T>
struct Targets {
  std::span<const std::int32_t> labels;
  MatrixView<const T> values;
};

/// A loss L_i(y_i) of each example's output row y_i.
class Loss {
 public:
  virtual ~Loss() = default;

  /// Whether the loss is defined for labels alone.
  virtual bool needs_labels() const = 0;

  /// The sum over the batch of L_i; fills `gradient` (batch x outputs, or empty: not wanted) with
  /// dL_i/dy_i, not divided by the batch. A label stands for its one-hot row. Throws
  /// std::invalid_argument for an empty batch.
  virtual double evaluate(MatrixView<const float> outputs, const Targets<float>& targets,
                          MatrixView<float> gradient) const = 0;
  virtual double evaluate(MatrixView<const double> outputs, const Targets<double>& targets,
                          MatrixView<double> gradient) const = 0;
};

struct LossEntry {
  PluginInfo info;
  std::shared_ptr<const Loss> (*make)(Settings&) = nullptr;
};

const Catalogue<LossEntry>& loss_catalogue();

}  // namespace plumbline
