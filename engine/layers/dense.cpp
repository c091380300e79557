// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/dense.hpp"

#include <utility>

#include "engine/kernels/gemm.hpp"
#include "engine/kernels/reduce.hpp"

namespace plumbline {

namespace {

template <typename T>
Matrix<T> buffer(std::size_t batch, std::size_t outputs) {
  return Matrix<T>(typename Matrix<T>::shape_type{batch, padded_stride<T>(outputs)}, T(0));
}

template <typename T>
MatrixView<const T> matrix_of(const ParameterTensor& tensor, std::span<const T> block) {
  return {block.data() + tensor.offset, tensor.rows, tensor.cols, tensor.cols};
}

// The whole rows of a view, padding included: element-wise functions then run without a tail.
template <typename T>
std::span<T> with_padding(MatrixView<T> view) {
  return {view.data, view.rows * view.stride};
}

}  // namespace

template <typename T>
Dense<T>::Dense(const Shape& shape, std::shared_ptr<const Activation> activation,
                const ParameterTensor& weight, const ParameterTensor& bias)
    : outputs_(shape.outputs),
      activation_(std::move(activation)),
      weight_(weight),
      bias_(bias),
      pre_activation_(buffer<T>(shape.batch, shape.outputs)),
      activated_(buffer<T>(shape.batch, shape.outputs)),
      error_signal_(buffer<T>(shape.batch, shape.outputs)) {}

template <typename T>
MatrixView<T> Dense<T>::rows_of(Matrix<T>& buffer) const {
  return {buffer.data(), rows_, outputs_, buffer.shape()[1]};
}

template <typename T>
MatrixView<T> Dense<T>::error_signal() {
  return rows_of(error_signal_);
}

template <typename T>
MatrixView<const T> Dense<T>::error_signal() const {
  return {error_signal_.data(), rows_, outputs_, error_signal_.shape()[1]};
}

template <typename T>
MatrixView<const T> Dense<T>::forward(std::span<const T> parameters, MatrixView<const T> input) {
  rows_ = input.rows;
  const MatrixView<T> z = rows_of(pre_activation_);
  const MatrixView<T> a = rows_of(activated_);
  multiply(as_is<T>(input), transposed<T>(matrix_of(weight_, parameters)), z,
           parameters.data() + bias_.offset);
  activation_->apply(std::span<const T>(with_padding(z)), with_padding(a));
  return a;
}

template <typename T>
void Dense<T>::backward(std::span<const T> parameters, MatrixView<const T> input,
                        std::span<T> gradient, MatrixView<T> input_gradient) {
  const MatrixView<T> delta = rows_of(error_signal_);
  activation_->multiply_slope(std::span<const T>(with_padding(rows_of(pre_activation_))),
                              std::span<const T>(with_padding(rows_of(activated_))),
                              with_padding(delta));
  const T mean = T(1) / static_cast<T>(rows_);
  const MatrixView<T> weight_gradient{gradient.data() + weight_.offset, weight_.rows, weight_.cols,
                                      weight_.cols};
  multiply(transposed<T>(delta), as_is<T>(input), weight_gradient, nullptr, mean);
  column_sums(MatrixView<const T>(delta), mean, gradient.subspan(bias_.offset, bias_.rows));
  if (!input_gradient.empty()) {
    multiply(as_is<T>(delta), as_is<T>(matrix_of(weight_, parameters)), input_gradient);
  }
}

template class Dense<float>;
template class Dense<double>;

}  // namespace plumbline
