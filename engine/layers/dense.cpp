// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/dense.hpp"

#include <utility>

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

}  // namespace

template <typename T>
Dense<T>::Dense(const Shape& shape, std::shared_ptr<const Activation> activation,
                const ParameterTensor& weight, const ParameterTensor& bias,
                const ParameterTensor* activation_parameters, Gemm gemm)
    : gemm_(gemm),
      units_(activation->units(shape.width)),
      outputs_(activation->outputs(shape.width)),
      activation_(std::move(activation)),
      weight_(weight),
      bias_(bias),
      activation_parameters_(activation_parameters == nullptr ? ParameterTensor()
                                                              : *activation_parameters),
      pre_activation_(buffer<T>(shape.batch, units_)),
      activated_(buffer<T>(shape.batch, outputs_)),
      error_signal_(buffer<T>(shape.batch, units_)),
      output_gradient_(buffer<T>(units_ == outputs_ ? 0 : shape.batch, outputs_)) {}

template <typename T>
void Dense<T>::multiply(const Factor<T>& a, const Factor<T>& b, const MatrixView<T>& c,
                        const T* start, T scale, bool* finite) const {
  if (gemm_ == Gemm::blas) {
    multiply_by_blas(a, b, c, start, scale, finite);
  } else {
    plumbline::multiply(a, b, c, start, scale, finite);
  }
}

template <typename T>
MatrixView<T> Dense<T>::rows_of(Matrix<T>& buffer, std::size_t columns) const {
  return {buffer.data(), rows_, columns, buffer.shape()[1]};
}

template <typename T>
std::span<const T> Dense<T>::own_parameters(std::span<const T> block) const {
  return block.subspan(activation_parameters_.offset, activation_parameters_.size());
}

template <typename T>
MatrixView<const T> Dense<T>::pre_activation() const {
  return {pre_activation_.data(), rows_, units_, pre_activation_.shape()[1]};
}

template <typename T>
MatrixView<T> Dense<T>::output_gradient() {
  return units_ == outputs_ ? rows_of(error_signal_, units_) : rows_of(output_gradient_, outputs_);
}

template <typename T>
MatrixView<const T> Dense<T>::error_signal() const {
  return {error_signal_.data(), rows_, units_, error_signal_.shape()[1]};
}

template <typename T>
MatrixView<const T> Dense<T>::forward(std::span<const T> parameters, MatrixView<const T> input) {
  rows_ = input.rows;
  const MatrixView<T> z = rows_of(pre_activation_, units_);
  const MatrixView<T> a = rows_of(activated_, outputs_);
  multiply(as_is<T>(input), transposed<T>(matrix_of(weight_, parameters)), z,
           parameters.data() + bias_.offset);
  activation_->forward(z, own_parameters(parameters), a);
  return a;
}

template <typename T>
void Dense<T>::backward(std::span<const T> parameters, MatrixView<const T> input,
                        std::span<T> gradient, MatrixView<T> input_gradient) {
  const MatrixView<T> delta = rows_of(error_signal_, units_);
  const T mean = T(1) / static_cast<T>(rows_);
  const std::span<T> own_gradient =
      gradient.subspan(activation_parameters_.offset, activation_parameters_.size());
  activation_->backward(pre_activation(), rows_of(activated_, outputs_), own_parameters(parameters),
                        output_gradient(), delta, own_gradient);
  for (T& slope : own_gradient) slope *= mean;
  const MatrixView<T> weight_gradient{gradient.data() + weight_.offset, weight_.rows, weight_.cols,
                                      weight_.cols};
  finite_ = all_finite(std::span<const T>(pre_activation().row(0), units_)) &&
            all_finite(own_parameters(parameters)) && all_finite(std::span<const T>(own_gradient));
  multiply(transposed<T>(delta), as_is<T>(input), weight_gradient, nullptr, mean, &finite_);
  const std::span<T> bias_gradient = gradient.subspan(bias_.offset, bias_.rows);
  column_sums(MatrixView<const T>(delta), mean, bias_gradient);
  finite_ = finite_ && all_finite(std::span<const T>(bias_gradient));
  if (!input_gradient.empty()) {
    multiply(as_is<T>(delta), as_is<T>(matrix_of(weight_, parameters)), input_gradient);
  }
}

// z' = W a_in' + W' a_in + b', a' = phi'(z) z' (Pearlmutter 1994, equation 12).
template <typename T>
MatrixView<const T> Dense<T>::tangent(std::span<const T> parameters, std::span<const T> direction,
                                      MatrixView<const T> input,
                                      MatrixView<const T> input_direction) {
  if (a_direction_.size() != activated_.size()) {
    z_direction_ = buffer<T>(pre_activation_.shape()[0], units_);
    a_direction_ = buffer<T>(activated_.shape()[0], outputs_);
  }
  const MatrixView<T> z_direction = rows_of(z_direction_, units_);
  const MatrixView<T> a_direction = rows_of(a_direction_, outputs_);
  multiply(as_is<T>(input), transposed<T>(matrix_of(weight_, direction)), z_direction,
           direction.data() + bias_.offset);
  if (!input_direction.empty()) {
    Matrix<T> along_input = buffer<T>(rows_, units_);
    const MatrixView<T> term = rows_of(along_input, units_);
    multiply(as_is<T>(input_direction), transposed<T>(matrix_of(weight_, parameters)), term);
    for_each_batch_of_rows([](auto& sum, const auto& more) { sum += more; }, z_direction,
                           MatrixView<const T>(term));
  }
  activation_->tangent(pre_activation(), rows_of(activated_, outputs_), own_parameters(parameters),
                       z_direction, own_parameters(direction), a_direction);
  return a_direction;
}

template class Dense<float>;
template class Dense<double>;

}  // namespace plumbline
