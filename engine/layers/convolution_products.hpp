// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "engine/core/matrix_view.hpp"
#include "engine/core/shape.hpp"
#include "engine/kernels/gemm.hpp"
#include "engine/layers/convolution_layer.hpp"

namespace plumbline {

/// The three products of a convolution's weights W, channels x (size x size x input channels). A patch is
/// what the window sees at one position; `sums` and `delta` have a row for each image, position after
/// position, each with its channels.
template <typename T>
class ConvolutionProducts {
 public:
  virtual ~ConvolutionProducts() = default;

  /// z = W patch + b.
  virtual void forward(MatrixView<const T> weights, const T* bias, MatrixView<const T> input,
                       MatrixView<T> sums) = 0;
  /// dL/dW = mean sum over images and positions of delta patch^T, for the last forward pass.
  virtual void weight_gradient(MatrixView<const T> delta, MatrixView<const T> input, T mean,
                               MatrixView<T> gradient) = 0;
  /// dL/d(input): W^T delta of each patch, added up at the pixels.
  virtual void input_gradient(MatrixView<const T> weights, MatrixView<const T> delta,
                              MatrixView<T> gradient) = 0;
};

/// For batches of at most so many images.
template <typename T>
std::unique_ptr<ConvolutionProducts<T>> convolution_products(Gemm gemm, const Window& window,
                                                             const Shape& input,
                                                             std::size_t channels,
                                                             std::size_t batch);

}  // namespace plumbline
