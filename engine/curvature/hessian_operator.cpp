// SPDX-License-Identifier: Apache-2.0
#include "engine/curvature/hessian_operator.hpp"

#include <utility>

namespace plumbline {

namespace {

template <typename T>
MatrixView<const double> widened(MatrixView<const T> matrix, std::vector<double>& room) {
  room.clear();
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    room.insert(room.end(), matrix.row(i), matrix.row(i) + matrix.cols);
  }
  return {room.data(), matrix.rows, matrix.cols, matrix.cols};
}

}  // namespace

HessianOperator::HessianOperator(const ModelSettings& model, const Shape& input,
                                 std::size_t outputs, std::size_t batch,
                                 std::shared_ptr<const Loss> loss)
    : product_(model, input, outputs, batch, std::move(loss)),
      parameters_(product_.layout().size()),
      gradient_(parameters_.size()) {}

void HessianOperator::move_to(std::span<const float> parameters, MatrixView<const float> inputs,
                              const Targets<float>& targets) {
  copy(parameters, inputs, targets);
}

void HessianOperator::move_to(std::span<const double> parameters, MatrixView<const double> inputs,
                              const Targets<double>& targets) {
  copy(parameters, inputs, targets);
}

template <typename T>
void HessianOperator::copy(std::span<const T> parameters, MatrixView<const T> inputs,
                           const Targets<T>& targets) {
  parameters_.assign(parameters.begin(), parameters.end());
  labels_.assign(targets.labels.begin(), targets.labels.end());
  const MatrixView<const double> values = widened(targets.values, values_);
  loss_ = product_.move_to(parameters_, widened(inputs, inputs_), {labels_, values}, gradient_);
}

SymmetricOperator HessianOperator::product() {
  return [this](std::span<const double> v, std::span<double> to) { product_.multiply(v, to); };
}

}  // namespace plumbline
