// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/kernels/sum.hpp"
#include "engine/layers/dense_layer.hpp"

namespace plumbline::layers {

namespace {

ParameterTensor part(const ParameterTensor& tensor, std::size_t offset) {
  ParameterTensor moved = tensor;
  moved.offset = offset;
  return moved;
}

/// A dense layer whose weights of unit i are w_i = g_i v_i / |v_i|. Backward (Salimans & Kingma 2016,
/// equation 3): dg_i = dw_i v_i / |v_i|,  dv_i = g_i / |v_i| (dw_i - dg_i v_i / |v_i|).
template <typename T>
class WeightNorm final : public Layer<T>, public WeightLayer<T> {
 public:
  WeightNorm(std::size_t width, const std::shared_ptr<const Activation>& activation,
             const Site& site)
      : direction_(site.tensors.next()),
        gain_(site.tensors.next()),
        bias_(site.tensors.next()),
        activation_(site.tensors.next_activation(*activation, width)),
        weights_(direction_.size() + bias_.size() + activation_.size()),
        slopes_(weights_.size()),
        inverse_(direction_.rows),
        dense_({width, site.batch * site.input.steps}, activation, part(direction_, 0),
               part(bias_, direction_.size()), part(activation_, direction_.size() + bias_.size()),
               site.gemm) {}

  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input,
                              const Pass& pass) override {
    for (std::size_t i = 0; i < direction_.rows; ++i) {
      const std::span<const T> v = row(parameters, i);
      inverse_[i] = 1 / norm(v);
      const T factor =
          static_cast<T>(static_cast<double>(parameters[gain_.offset + i]) * inverse_[i]);
      std::ranges::transform(v, weights_.data() + i * direction_.cols,
                             [factor](T value) { return factor * value; });
    }
    copy(parameters, bias_, weights_, direction_.size());
    copy(parameters, activation_, weights_, direction_.size() + bias_.size());
    return dense_.forward(weights_, input, pass);
  }
  MatrixView<T> output_gradient() override { return dense_.output_gradient(); }
  void backward(std::span<const T> parameters, MatrixView<const T> input, T mean,
                std::span<T> gradient, MatrixView<T> input_gradient) override {
    dense_.backward(weights_, input, mean, slopes_, input_gradient);
    for (std::size_t i = 0; i < direction_.rows; ++i) {
      const std::span<const T> v = row(parameters, i);
      const std::span<const T> dw(slopes_.data() + i * direction_.cols, direction_.cols);
      const double by_gain = dot(dw, v) * inverse_[i];
      gradient[gain_.offset + i] = static_cast<T>(by_gain);
      const T scale =
          static_cast<T>(static_cast<double>(parameters[gain_.offset + i]) * inverse_[i]);
      const T along = static_cast<T>(by_gain * inverse_[i]);
      std::ranges::transform(dw, v, gradient.data() + direction_.offset + i * direction_.cols,
                             [=](T slope, T value) { return scale * (slope - along * value); });
    }
    std::copy_n(slopes_.data() + direction_.size(), bias_.size(), gradient.data() + bias_.offset);
    std::copy_n(slopes_.data() + direction_.size() + bias_.size(), activation_.size(),
                gradient.data() + activation_.offset);
    const auto finite_in = [](std::span<const T> block, const ParameterTensor& tensor) {
      return all_finite(block.subspan(tensor.offset, tensor.size()));
    };
    finite_ = dense_.finite();
    for (const ParameterTensor* tensor : {&direction_, &gain_}) {
      finite_ = finite_ && finite_in(parameters, *tensor) && finite_in(gradient, *tensor);
    }
  }
  bool finite() const override { return finite_; }
  void settle(std::span<T> parameters) const override {
    for (std::size_t i = 0; i < direction_.rows; ++i) {
      parameters[gain_.offset + i] = static_cast<T>(norm(row(std::span<const T>(parameters), i)));
    }
  }
  void add_weight_layers(std::vector<const WeightLayer<T>*>& layers) const override {
    layers.push_back(this);
  }

  const ParameterTensor& weight() const override { return direction_; }
  const ParameterTensor& bias() const override { return bias_; }
  MatrixView<const T> input() const override { return dense_.input(); }
  MatrixView<const T> pre_activation() const override { return dense_.pre_activation(); }
  MatrixView<const T> output() const override { return dense_.output(); }
  MatrixView<const T> error_signal() const override { return dense_.error_signal(); }

 private:
  std::span<const T> row(std::span<const T> parameters, std::size_t i) const {
    return parameters.subspan(direction_.offset + i * direction_.cols, direction_.cols);
  }
  static void copy(std::span<const T> parameters, const ParameterTensor& tensor, std::vector<T>& to,
                   std::size_t offset) {
    std::copy_n(parameters.data() + tensor.offset, tensor.size(), to.data() + offset);
  }

  ParameterTensor direction_;
  ParameterTensor gain_;
  ParameterTensor bias_;
  ParameterTensor activation_;  // of size 0 where the activation has no parameters
  std::vector<T> weights_;      // w, bias and the activation's parameters, as dense_ reads them
  std::vector<T> slopes_;
  std::vector<double> inverse_;  // 1 / |v_i|
  DenseLayer<T> dense_;
  bool finite_ = true;
};

class WeightNormKind final : public DenseKindOf<WeightNormKind> {
 public:
  using DenseKindOf::DenseKindOf;

  void declare(const Shape& input, TensorList& tensors) const override {
    tensors.begin_weight_layer();
    tensors.add("weight", ParameterGroup::hidden, units(), input.values());
    tensors.add("gain", ParameterGroup::norm, units(), 1, 1);
    tensors.add("bias", ParameterGroup::bias, units(), 1);
    tensors.add_activation(*activation(), width());
  }
  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    return std::make_unique<WeightNorm<T>>(width(), activation(), site);
  }
};

}  // namespace

LayerEntry weight_norm() {
  return layer_entry(
      {
          .summary =
              "A dense layer that learns the length and the direction of each unit's weights "
              "apart; lengths start where the initializer has them.",
          .formula = "a = phi(W x + b), w_i = g_i v_i / |v_i|",
          .paper = "Salimans & Kingma, Weight normalization: a simple reparameterization to "
                   "accelerate training of deep neural networks, NeurIPS 2016, arXiv:1602.07868",
      },
      [](Settings& settings, const LayerDefaults& model) -> std::shared_ptr<const LayerKind> {
        const std::size_t width = read_width(settings, model);
        return std::make_shared<WeightNormKind>(width, read_activation(settings, model));
      });
}

}  // namespace plumbline::layers
