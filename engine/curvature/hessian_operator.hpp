// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/core/matrix_view.hpp"
#include "engine/core/shape.hpp"
#include "engine/curvature/hessian.hpp"
#include "engine/curvature/symmetric_operator.hpp"
#include "engine/losses/loss.hpp"
#include "engine/network/model_settings.hpp"

namespace plumbline {

/// The Hessian of a batch's mean loss as a matrix in double, for a net of either precision: what is near a
/// float32 net, to more digits than float32 has. Keeps copies of the point and of the batch.
class HessianOperator {
 public:
  /// As HessianProduct.
  HessianOperator(const ModelSettings& model, const Shape& input, std::size_t outputs,
                  std::size_t batch, std::shared_ptr<const Loss> loss);

  /// The number of parameters, which is the size of the matrix.
  std::size_t size() const { return parameters_.size(); }

  /// Sets where and for which examples the Hessian is.
  void move_to(std::span<const float> parameters, MatrixView<const float> inputs,
               const Targets<float>& targets);
  void move_to(std::span<const double> parameters, MatrixView<const double> inputs,
               const Targets<double>& targets);

  /// At the point of the last move_to():
  double loss() const { return loss_; }
  std::span<const double> gradient() const { return gradient_; }
  /// Products with the Hessian where this object then stands, which must outlive what is returned.
  SymmetricOperator product();

 private:
  template <typename T>
  void copy(std::span<const T> parameters, MatrixView<const T> inputs, const Targets<T>& targets);

  HessianProduct<double> product_;
  std::vector<double> parameters_;
  std::vector<double> gradient_;
  std::vector<double> inputs_;
  std::vector<double> values_;
  std::vector<std::int32_t> labels_;
  double loss_ = 0;
};

}  // namespace plumbline
