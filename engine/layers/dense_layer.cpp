// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/dense_layer.hpp"

#include <utility>

#include "engine/kernels/reduce.hpp"

namespace plumbline {

namespace {

template <typename T>
MatrixView<const T> matrix_of(const ParameterTensor& tensor, std::span<const T> block) {
  return {block.data() + tensor.offset, tensor.rows, tensor.cols, tensor.cols};
}

}  // namespace

template <typename T>
DenseLayer<T>::DenseLayer(const Size& size, std::shared_ptr<const Activation> activation,
                          const ParameterTensor& weight, const ParameterTensor& bias,
                          const ParameterTensor& activation_parameters, Gemm gemm)
    : gemm_(gemm),
      width_(size.width),
      units_(activation->units(size.width)),
      outputs_(activation->outputs(size.width)),
      most_rows_(size.rows),
      activation_(std::move(activation)),
      weight_(weight),
      bias_(bias),
      activation_parameters_(activation_parameters),
      pre_activation_(size.rows, Shape::vector(units_)),
      activated_(size.rows, Shape::vector(outputs_)),
      error_signal_(size.rows, Shape::vector(units_)),
      output_gradient_(units_ == outputs_ ? 0 : size.rows, Shape::vector(outputs_)) {}

template <typename T>
std::span<const T> DenseLayer<T>::own_parameters(std::span<const T> block) const {
  return block.subspan(activation_parameters_.offset, activation_parameters_.size());
}

template <typename T>
MatrixView<const T> DenseLayer<T>::pre_activation() const {
  return pre_activation_.first_rows(rows_);
}

template <typename T>
MatrixView<T> DenseLayer<T>::output_gradient() {
  return (units_ == outputs_ ? error_signal_ : output_gradient_).first_rows(rows_);
}

template <typename T>
MatrixView<const T> DenseLayer<T>::output() const {
  return activated_.first_rows(rows_);
}

template <typename T>
MatrixView<const T> DenseLayer<T>::error_signal() const {
  return error_signal_.first_rows(rows_);
}

template <typename T>
MatrixView<const T> DenseLayer<T>::forward(std::span<const T> parameters, MatrixView<const T> input,
                                           const Pass& /*pass*/) {
  input_ = input;
  rows_ = input.rows;
  const MatrixView<T> z = pre_activation_.first_rows(rows_);
  const MatrixView<T> a = activated_.first_rows(rows_);
  multiply(gemm_, as_is<T>(input), transposed<T>(matrix_of(weight_, parameters)), z,
           Start<T>(parameters.data() + bias_.offset));
  activation_->forward(z, own_parameters(parameters), a);
  return a;
}

template <typename T>
void DenseLayer<T>::backward(std::span<const T> parameters, MatrixView<const T> input, T mean,
                             std::span<T> gradient, MatrixView<T> input_gradient) {
  const MatrixView<T> delta = error_signal_.first_rows(rows_);
  const std::span<T> own_gradient =
      gradient.subspan(activation_parameters_.offset, activation_parameters_.size());
  if (curvature_) curvature_->keep(pre_activation(), output_gradient());
  activation_->backward(pre_activation(), activated_.first_rows(rows_), own_parameters(parameters),
                        output_gradient(), delta, own_gradient);
  for (T& slope : own_gradient) slope *= mean;
  const MatrixView<T> weight_gradient{gradient.data() + weight_.offset, weight_.rows, weight_.cols,
                                      weight_.cols};
  finite_ = all_finite(std::span<const T>(pre_activation().row(0), units_)) &&
            all_finite(own_parameters(parameters)) && all_finite(std::span<const T>(own_gradient));
  multiply(gemm_, transposed<T>(delta), as_is<T>(input), weight_gradient, {}, mean, &finite_);
  const std::span<T> bias_gradient = gradient.subspan(bias_.offset, bias_.rows);
  column_sums(MatrixView<const T>(delta), mean, bias_gradient);
  finite_ = finite_ && all_finite(std::span<const T>(bias_gradient));
  if (!input_gradient.empty()) {
    multiply(gemm_, as_is<T>(delta), as_is<T>(matrix_of(weight_, parameters)), input_gradient);
  }
}

// z' = W a_in' + W' a_in + b', a' = phi'(z) z' (Pearlmutter 1994, equation 12).
template <typename T>
MatrixView<const T> DenseLayer<T>::tangent(std::span<const T> parameters,
                                           std::span<const T> direction, MatrixView<const T> input,
                                           MatrixView<const T> input_direction) {
  if (a_direction_.empty()) {
    z_direction_ = Buffer<T>(most_rows_, Shape::vector(units_));
    a_direction_ = Buffer<T>(most_rows_, Shape::vector(outputs_));
  }
  input_direction_ = input_direction;
  const MatrixView<T> z_direction = z_direction_.first_rows(rows_);
  const MatrixView<T> a_direction = a_direction_.first_rows(rows_);
  multiply(gemm_, as_is<T>(input), transposed<T>(matrix_of(weight_, direction)), z_direction,
           Start<T>(direction.data() + bias_.offset));
  if (!input_direction.empty()) {
    Buffer<T> along_input(rows_, Shape::vector(units_));
    const MatrixView<T> term = along_input.first_rows(rows_);
    multiply(gemm_, as_is<T>(input_direction), transposed<T>(matrix_of(weight_, parameters)), term);
    for_each_batch_of_rows([](auto& sum, const auto& more) { sum += more; }, z_direction,
                           MatrixView<const T>(term));
  }
  activation_->tangent(pre_activation(), activated_.first_rows(rows_), own_parameters(parameters),
                       z_direction, own_parameters(direction), a_direction);
  return a_direction;
}

template <typename T>
void DenseLayer<T>::keep_curvature() {
  curvature_.emplace(activation_, most_rows_, width_);
  error_signal_direction_ = Buffer<T>(most_rows_, Shape::vector(units_));
  if (units_ != outputs_) {
    output_gradient_direction_ = Buffer<T>(most_rows_, Shape::vector(outputs_));
  }
}

template <typename T>
MatrixView<T> DenseLayer<T>::output_gradient_direction() {
  return (units_ == outputs_ ? error_signal_direction_ : output_gradient_direction_)
      .first_rows(rows_);
}

// R{dL/dW} = mean (R{delta}^T x + delta^T R{x}),  R{dL/db} = mean sum of R{delta},
// R{dL_i/dx} = R{delta} W + delta R{W}.
template <typename T>
void DenseLayer<T>::backward_tangent(std::span<const T> parameters, std::span<const T> direction,
                                     T mean, std::span<T> gradient_direction,
                                     MatrixView<T> input_gradient_direction) {
  const MatrixView<const T> delta = error_signal();
  const MatrixView<T> delta_direction = error_signal_direction_.first_rows(rows_);
  const std::span<T> own_direction =
      gradient_direction.subspan(activation_parameters_.offset, activation_parameters_.size());
  curvature_->backward_tangent(pre_activation(), output(), own_parameters(parameters),
                               z_direction_.first_rows(rows_), own_parameters(direction),
                               output_gradient_direction(), delta_direction, own_direction);
  for (T& value : own_direction) value *= mean;
  const MatrixView<T> weight_direction{gradient_direction.data() + weight_.offset, weight_.rows,
                                       weight_.cols, weight_.cols};
  const bool moves_below = !input_direction_.empty();
  multiply(gemm_, transposed<T>(delta_direction), as_is<T>(input_), weight_direction, {},
           moves_below ? T(1) : mean);
  if (moves_below) {
    multiply(gemm_, transposed<T>(delta), as_is<T>(input_direction_), weight_direction,
             Start<T>::at_result(), mean);
  }
  column_sums(MatrixView<const T>(delta_direction), mean,
              gradient_direction.subspan(bias_.offset, bias_.rows));
  if (input_gradient_direction.empty()) return;
  multiply(gemm_, as_is<T>(delta_direction), as_is<T>(matrix_of(weight_, parameters)),
           input_gradient_direction);
  multiply(gemm_, as_is<T>(delta), as_is<T>(matrix_of(weight_, direction)),
           input_gradient_direction, Start<T>::at_result());
}

namespace {

class DenseKind final : public DenseKindOf<DenseKind> {
 public:
  using DenseKindOf::DenseKindOf;

  void declare(const Shape& input, TensorList& tensors) const override {
    tensors.begin_weight_layer();
    tensors.add("weight", ParameterGroup::hidden, units(), input.values());
    tensors.add("bias", ParameterGroup::bias, units(), 1);
    tensors.add_activation(*activation(), width());
  }
  bool is_dense() const override { return true; }

  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    const ParameterTensor& weight = site.tensors.next();
    const ParameterTensor& bias = site.tensors.next();
    return std::make_unique<DenseLayer<T>>(
        typename DenseLayer<T>::Size{width(), site.batch * site.input.steps}, activation(), weight,
        bias, site.tensors.next_activation(*activation(), width()), site.gemm);
  }
};

}  // namespace

std::shared_ptr<const LayerKind> dense_kind(std::size_t width,
                                            std::shared_ptr<const Activation> activation) {
  return std::make_shared<DenseKind>(width, std::move(activation));
}

template class DenseLayer<float>;
template class DenseLayer<double>;

}  // namespace plumbline
