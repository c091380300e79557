// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/activations/activation.hpp"
#include "engine/core/parameters.hpp"
#include "engine/kernels/gemm.hpp"
#include "engine/layers/activation_curvature.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/layers/curved_layer.hpp"
#include "engine/layers/layer.hpp"

namespace plumbline {

/// A fully connected layer: z = W x + b and a = phi(z) for each row, with W units x inputs. Backward
/// (Rumelhart, Hinton & Williams 1986), where `mean` is 1 / B for the mean over B rows:
///   delta = dL_i/da phi'(z),  dL/dW = mean delta^T x,  dL/db = mean sum of delta,
///   dL_i/dx = delta W.
template <typename T>
class DenseLayer final : public Layer<T>, public WeightLayer<T>, public CurvedLayer<T> {
 public:
  struct Size {
    std::size_t width = 0;  ///< the activation makes units and outputs of it
    std::size_t rows = 0;   ///< of a batch, at most
  };

  /// `activation_parameters` is of size 0 where the activation has none.
  DenseLayer(const Size& size, std::shared_ptr<const Activation> activation,
             const ParameterTensor& weight, const ParameterTensor& bias,
             const ParameterTensor& activation_parameters, Gemm gemm = Gemm::native);

  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input,
                              const Pass& pass) override;
  MatrixView<T> output_gradient() override;
  void backward(std::span<const T> parameters, MatrixView<const T> input, T mean,
                std::span<T> gradient, MatrixView<T> input_gradient) override;
  MatrixView<const T> tangent(std::span<const T> parameters, std::span<const T> direction,
                              MatrixView<const T> input,
                              MatrixView<const T> input_direction) override;
  std::string curvature_problem() const override {
    return ActivationCurvature<T>::problem(*activation_);
  }
  void keep_curvature() override;
  MatrixView<T> output_gradient_direction() override;
  void backward_tangent(std::span<const T> parameters, std::span<const T> direction, T mean,
                        std::span<T> gradient_direction,
                        MatrixView<T> input_gradient_direction) override;
  /// z of a row is a chain of sums over all weights and biases (kernels/gemm.hpp), so that a finite z
  /// shows them to be finite without another look at each. It is false where z alone is not.
  bool finite() const override { return finite_; }
  void add_weight_layers(std::vector<const WeightLayer<T>*>& layers) const override {
    layers.push_back(this);
  }

  const ParameterTensor& weight() const override { return weight_; }
  const ParameterTensor& bias() const override { return bias_; }
  MatrixView<const T> input() const override { return input_; }
  MatrixView<const T> pre_activation() const override;
  MatrixView<const T> output() const override;
  MatrixView<const T> error_signal() const override;

 private:
  std::span<const T> own_parameters(std::span<const T> block) const;

  Gemm gemm_;
  std::size_t width_;
  std::size_t units_;
  std::size_t outputs_;
  std::size_t most_rows_;
  std::size_t rows_ = 0;  // of the last forward pass
  bool finite_ = true;    // of the last backward pass
  MatrixView<const T> input_;
  std::shared_ptr<const Activation> activation_;
  ParameterTensor weight_;
  ParameterTensor bias_;
  ParameterTensor activation_parameters_;  // of size 0 where there are none
  Buffer<T> pre_activation_;
  Buffer<T> activated_;
  Buffer<T> error_signal_;
  Buffer<T> output_gradient_;  // empty where units and outputs are equal: error_signal_ serves both
  Buffer<T> z_direction_;      // these two are made by the first call of tangent()
  Buffer<T> a_direction_;
  // These are for backward_tangent() alone.
  MatrixView<const T> input_direction_;
  std::optional<ActivationCurvature<T>> curvature_;
  Buffer<T> error_signal_direction_;
  Buffer<T> output_gradient_direction_;  // as output_gradient_
};

/// What holds for a layer of each kind that makes of each step, and of each image as a whole, one vector
/// of activated sums over all its values.
template <class Derived>
class DenseKindOf : public LayerKindOf<Derived> {
 public:
  DenseKindOf(std::size_t width, std::shared_ptr<const Activation> activation)
      : width_(width), activation_(std::move(activation)) {}

  Shape output(const Shape& input) const final {
    return Shape::sequence(input.steps, activation_->outputs(width_));
  }
  double products(const Shape& input) const final {
    return static_cast<double>(input.steps * (input.values() + 1) * units());
  }
  // z, a and the error signal.
  double kept_values(const Shape& input) const final {
    return static_cast<double>(3 * input.steps * padded_stride<float>(units()));
  }

 protected:
  std::size_t width() const { return width_; }
  std::size_t units() const { return activation_->units(width_); }
  const std::shared_ptr<const Activation>& activation() const { return activation_; }

 private:
  std::size_t width_;
  std::shared_ptr<const Activation> activation_;
};

/// A fully connected layer of a net: each step of a sequence, and each image as a whole, is a vector.
std::shared_ptr<const LayerKind> dense_kind(std::size_t width,
                                            std::shared_ptr<const Activation> activation);

extern template class DenseLayer<float>;
extern template class DenseLayer<double>;

}  // namespace plumbline
