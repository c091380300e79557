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
  struct Tensors {
    const ParameterTensor& direction;
    const ParameterTensor& gain;
    const ParameterTensor& bias;
    const ParameterTensor* activation = nullptr;
  };
  WeightNorm(std::size_t width, const std::shared_ptr<const Activation>& activation,
             const Tensors& tensors, const Site& site)
      : WeightNorm(width, activation, tensors, site,
                   tensors.activation == nullptr ? ParameterTensor() : *tensors.activation) {}

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
  WeightNorm(std::size_t width, const std::shared_ptr<const Activation>& activation,
             const Tensors& tensors, const Site& site, const ParameterTensor& own)
      : direction_(tensors.direction),
        gain_(tensors.gain),
        bias_(tensors.bias),
        activation_(own),
        weights_(direction_.size() + bias_.size() + own.size()),
        slopes_(weights_.size()),
        inverse_(direction_.rows),
        own_part_(part(own, direction_.size() + bias_.size())),
        dense_({width, site.batch * site.input.steps}, activation, part(direction_, 0),
               part(bias_, direction_.size()), own.size() == 0 ? nullptr : &own_part_, site.gemm) {}

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
  ParameterTensor own_part_;
  DenseLayer<T> dense_;
  bool finite_ = true;
};

class WeightNormKind final : public LayerKindOf<WeightNormKind> {
 public:
  WeightNormKind(std::size_t width, std::shared_ptr<const Activation> activation)
      : width_(width), activation_(std::move(activation)) {}

  Shape output(const Shape& input) const override {
    return Shape::sequence(input.steps, activation_->outputs(width_));
  }
  void declare(const Shape& input, TensorList& tensors) const override {
    const std::size_t units = activation_->units(width_);
    tensors.begin_weight_layer();
    tensors.add("weight", ParameterGroup::hidden, units, input.values());
    tensors.add("gain", ParameterGroup::norm, units, 1, 1);
    tensors.add("bias", ParameterGroup::bias, units, 1);
    if (const std::size_t own = activation_->parameters(width_); own > 0) {
      tensors.add("activation", ParameterGroup::activation, own, 1,
                  activation_->initial_parameter());
    }
  }
  double products(const Shape& input) const override {
    return static_cast<double>(input.steps * (input.values() + 1) * activation_->units(width_));
  }
  double kept_values(const Shape& input) const override {
    return 3 * static_cast<double>(input.steps * padded_stride<float>(activation_->units(width_)));
  }
  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    const ParameterTensor& direction = site.tensors.next();
    const ParameterTensor& gain = site.tensors.next();
    const ParameterTensor& bias = site.tensors.next();
    const ParameterTensor* own =
        activation_->parameters(width_) > 0 ? &site.tensors.next() : nullptr;
    return std::make_unique<WeightNorm<T>>(
        width_, activation_, typename WeightNorm<T>::Tensors{direction, gain, bias, own}, site);
  }

 private:
  std::size_t width_;
  std::shared_ptr<const Activation> activation_;
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
