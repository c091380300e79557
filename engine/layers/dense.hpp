// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "engine/activations/activation.hpp"
#include "engine/core/parameters.hpp"
#include "engine/core/tensor.hpp"
#include "engine/kernels/gemm.hpp"
#include "engine/layers/layer.hpp"

namespace plumbline {

/// A fully connected layer: z = W a_in + b and a = phi(z) for each example, with W units x inputs.
/// Backward (Rumelhart, Hinton & Williams 1986), for a batch of B rows:
///   delta = dL_i/da phi'(z),  dL/dW = delta^T a_in / B,  dL/db = mean of delta,
///   dL_i/da_in = delta W.
template <typename T>
class Dense final : public Layer<T> {
 public:
  struct Shape {
    std::size_t inputs = 0;
    std::size_t width = 0;  ///< the activation makes units and outputs of it
    std::size_t batch = 0;
  };

  /// `activation_parameters` is null where the activation has none.
  Dense(const Shape& shape, std::shared_ptr<const Activation> activation,
        const ParameterTensor& weight, const ParameterTensor& bias,
        const ParameterTensor* activation_parameters, Gemm gemm = Gemm::native);

  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input) override;
  MatrixView<const T> pre_activation() const override;
  MatrixView<T> output_gradient() override;
  MatrixView<const T> error_signal() const override;
  void backward(std::span<const T> parameters, MatrixView<const T> input, std::span<T> gradient,
                MatrixView<T> input_gradient) override;
  MatrixView<const T> tangent(std::span<const T> parameters, std::span<const T> direction,
                              MatrixView<const T> input,
                              MatrixView<const T> input_direction) override;
  bool finite() const override { return finite_; }
  const ParameterTensor& weight() const override { return weight_; }
  const ParameterTensor& bias() const override { return bias_; }

 private:
  MatrixView<T> rows_of(Matrix<T>& buffer, std::size_t columns) const;
  std::span<const T> own_parameters(std::span<const T> block) const;

  void multiply(const Factor<T>& a, const Factor<T>& b, const MatrixView<T>& c,
                const T* start = nullptr, T scale = 1, bool* finite = nullptr) const;

  Gemm gemm_;
  std::size_t units_;
  std::size_t outputs_;
  std::size_t rows_ = 0;  // of the last forward pass
  bool finite_ = true;    // of the last backward pass
  std::shared_ptr<const Activation> activation_;
  ParameterTensor weight_;
  ParameterTensor bias_;
  ParameterTensor activation_parameters_;  // of size 0 where there are none
  // batch x padded_stride(columns); what stands beyond the columns is finite and never read by a
  // product.
  Matrix<T> pre_activation_;
  Matrix<T> activated_;
  Matrix<T> error_signal_;
  Matrix<T> output_gradient_;  // empty where units and outputs are equal: error_signal_ serves both
  Matrix<T> z_direction_;      // these two are made by the first call of tangent()
  Matrix<T> a_direction_;
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
