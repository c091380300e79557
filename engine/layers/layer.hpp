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

  /// batch x outputs: the layer above writes dL_i/da here; backward() turns it into the error signal
  /// dL_i/dz in place, and leaves it for the probes.
  virtual MatrixView<T> error_signal() = 0;
  virtual MatrixView<const T> error_signal() const = 0;

  /// For the rows of the last forward pass, with dL_i/da in error_signal(): makes the error signal,
  /// writes the gradients of the batch mean into the layer's part of `gradient`, and dL_i/d(input)
  /// into `input_gradient` unless that is empty.
  virtual void backward(std::span<const T> parameters, MatrixView<const T> input,
                        std::span<T> gradient, MatrixView<T> input_gradient) = 0;
};

}  // namespace plumbline
