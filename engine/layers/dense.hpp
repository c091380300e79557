// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "engine/activations/activation.hpp"
#include "engine/core/parameters.hpp"
#include "engine/core/tensor.hpp"
#include "engine/layers/layer.hpp"

namespace plumbline {

/// A fully connected layer: z = W a_in + b and a = phi(z) for each example, with W outputs x inputs.
/// Backward (Rumelhart, Hinton & Williams 1986), for a batch of B rows:
///   delta = dL_i/da phi'(z),  dL/dW = delta^T a_in / B,  dL/db = mean of delta,
///   dL_i/da_in = delta W.
template <typename T>
class Dense final : public Layer<T> {
 public:
  struct Shape {
    std::size_t inputs = 0;
    std::size_t outputs = 0;
    std::size_t batch = 0;
  };

  Dense(const Shape& shape, std::shared_ptr<const Activation> activation,
        const ParameterTensor& weight, const ParameterTensor& bias);

  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input) override;
  MatrixView<T> error_signal() override;
  MatrixView<const T> error_signal() const override;
  void backward(std::span<const T> parameters, MatrixView<const T> input, std::span<T> gradient,
                MatrixView<T> input_gradient) override;
  const ParameterTensor& weight() const override { return weight_; }
  const ParameterTensor& bias() const override { return bias_; }

 private:
  MatrixView<T> rows_of(Matrix<T>& buffer) const;

  std::size_t outputs_;
  std::size_t rows_ = 0;  // of the last forward pass
  std::shared_ptr<const Activation> activation_;
  ParameterTensor weight_;
  ParameterTensor bias_;
  // batch x padded_stride(outputs); what stands beyond column `outputs` is finite and never read by
  // a product.
  Matrix<T> pre_activation_;
  Matrix<T> activated_;
  Matrix<T> error_signal_;
};

/// The row stride of a matrix of `cols` columns whose rows start on cache lines and do not all fall
/// on the same cache sets: a multiple of 64 bytes, and not of 4 KiB.
template <typename T>
std::size_t padded_stride(std::size_t cols) {
  constexpr std::size_t kLine = 64 / sizeof(T);
  constexpr std::size_t kPage = 4096 / sizeof(T);
  const std::size_t stride = (cols + kLine - 1) / kLine * kLine;
  return stride % kPage == 0 ? stride + kLine : stride;
}

extern template class Dense<float>;
extern template class Dense<double>;

}  // namespace plumbline
