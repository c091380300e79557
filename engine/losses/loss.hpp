// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/core/catalogue.hpp"
#include "engine/core/matrix_view.hpp"
#include "engine/core/random.hpp"

namespace plumbline {

/// What the outputs of a batch should be: a class label for each example, or a row of values.
/// Exactly one of the two is filled.
template <typename T>
struct Targets {
  std::span<const std::int32_t> labels;
  MatrixView<const T> values;
};

/// Targets that a loss drew. Whoever asks for them owns the buffers, which later draws use again.
template <typename T>
struct DrawnTargets {
  std::vector<std::int32_t> labels;  ///< one an example, or none
  std::vector<T> values;             ///< batch x outputs, or none
  std::size_t outputs = 0;

  Targets<T> targets() const {
    const std::size_t rows = outputs == 0 ? 0 : values.size() / outputs;
    return {labels, {values.data(), rows, outputs, outputs}};
  }
};

/// A loss L_i(y_i) of each example's output row y_i. A label stands for its one-hot row; with a single
/// output, a loss that does not need labels takes the label itself as the target value. Where classes
/// have weights, L_i is the loss of the example times the weight of its label. Methods come in both
/// precisions; those that take targets throw std::invalid_argument for an empty batch, and for values
/// where the loss needs labels.
class Loss {
 public:
  virtual ~Loss() = default;

  /// Whether the loss is defined for labels alone.
  virtual bool needs_labels() const = 0;

  /// What keeps the settings of this loss from data with so many outputs and with labels or values,
  /// as the end of a sentence that begins with the loss; empty where nothing does.
  virtual std::string problem_with(std::size_t outputs, bool labels) const = 0;

  /// The sum over the batch of L_i; fills `gradient` (batch x outputs, or empty: not wanted) with
  /// dL_i/dy_i, not divided by the batch.
  virtual double evaluate(MatrixView<const float> outputs, const Targets<float>& targets,
                          MatrixView<float> gradient) const = 0;
  virtual double evaluate(MatrixView<const double> outputs, const Targets<double>& targets,
                          MatrixView<double> gradient) const = 0;

  /// H_i v_i of each example, v_i a row of `directions`, not divided by the batch. H_i is the Hessian
  /// of L_i in y_i and never negative: all losses here are convex. Where the slope jumps, H_i is that
  /// of the pieces beside the jump. `products` may be `directions`.
  virtual void curvature_product(MatrixView<const float> outputs, const Targets<float>& targets,
                                 MatrixView<const float> directions,
                                 MatrixView<float> products) const = 0;
  virtual void curvature_product(MatrixView<const double> outputs, const Targets<double>& targets,
                                 MatrixView<const double> directions,
                                 MatrixView<double> products) const = 0;

  /// Whether L_i = -ln p(t_i | y_i) up to a constant, for a distribution p of the targets. Not so
  /// where classes have weights.
  virtual bool means_a_distribution() const = 0;
  /// Draws targets from p(. | y_i), so that dL_i/dy_i has mean zero; where L_i is twice
  /// differentiable, its covariance is H_i. Throws std::invalid_argument where the loss means no
  /// distribution.
  virtual void sample_targets(MatrixView<const float> outputs, Random& random,
                              DrawnTargets<float>& drawn) const = 0;
  virtual void sample_targets(MatrixView<const double> outputs, Random& random,
                              DrawnTargets<double>& drawn) const = 0;

  /// By how much all outputs can change, each by at most so much, before the slope or the curvature
  /// of some L_i may jump; infinite for smooth losses. For checks by finite differences.
  virtual double distance_to_kink(MatrixView<const double> outputs,
                                  const Targets<double>& targets) const = 0;
};

struct LossEntry {
  PluginInfo info;
  std::shared_ptr<const Loss> (*make)(Settings&) = nullptr;
};

const Catalogue<LossEntry>& loss_catalogue();

}  // namespace plumbline
