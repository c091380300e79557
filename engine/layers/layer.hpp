// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "engine/core/matrix_view.hpp"
#include "engine/core/parameters.hpp"

namespace plumbline {

/// A layer with weights and the buffers that one batch needs. Matrices have one example a row.
template <typename T>
class Layer {
 public:
  virtual ~Layer() = default;

  /// Where the layer's tensors stand in the parameter block.
  virtual const ParameterTensor& weight() const = 0;
  virtual const ParameterTensor& bias() const = 0;

  /// a = phi(z) for the rows of `input`; lives in the layer until the next call.
  virtual MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input) = 0;

  /// What forward() made of the input before the activation: batch x units.
  virtual MatrixView<const T> pre_activation() const = 0;

  /// batch x outputs: the layer above writes dL_i/da here. May be the storage of error_signal().
  virtual MatrixView<T> output_gradient() = 0;
  /// batch x units: dL_i/dz, which backward() leaves for the probes.
  virtual MatrixView<const T> error_signal() const = 0;

  /// For the rows of the last forward pass, with dL_i/da in output_gradient(): makes the error signal,
  /// writes the gradients of the batch mean into the layer's part of `gradient`, and dL_i/d(input)
  /// into `input_gradient` unless that is empty.
  virtual void backward(std::span<const T> parameters, MatrixView<const T> input,
                        std::span<T> gradient, MatrixView<T> input_gradient) = 0;

  /// After backward(): true where all parameters of the layer and all their gradients are finite. z of
  /// an example is a chain of sums over all weights and biases (kernels/gemm.hpp), so that a finite z
  /// shows them to be finite without another look at each. It is false where z alone is not.
  virtual bool finite() const = 0;

  /// For the rows of the last forward pass: the derivative of the layer's outputs along `direction`
  /// of its parameters and `input_direction` of its inputs (empty: zero). Lives in the layer until the
  /// next call. Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6, 1994.
  virtual MatrixView<const T> tangent(std::span<const T> parameters, std::span<const T> direction,
                                      MatrixView<const T> input,
                                      MatrixView<const T> input_direction) = 0;
};

}  // namespace plumbline
