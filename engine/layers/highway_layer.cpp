// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/highway_layer.hpp"

#include <utility>

#include "engine/layers/activation_layer.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/layers/dense_layer.hpp"

namespace plumbline {

namespace {

/// h = phi(W x + b), t = sigmoid(W_t x + b_t), y = t h + (1 - t) x. Backward:
///   dh = t dy,  dt = (h - x) dy,  dx = (1 - t) dy + what the two layers pass back.
template <typename T>
class Highway final : public Layer<T> {
 public:
  Highway(std::shared_ptr<const Activation> activation, const Site& site)
      : Highway(
            std::move(activation), site,
            {site.tensors.next(), site.tensors.next(), site.tensors.next(), site.tensors.next()}) {}

  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input,
                              const Pass& pass) override {
    rows_ = input.rows;
    const MatrixView<const T> h = transform_.forward(parameters, input, pass);
    const MatrixView<const T> t = gate_.forward(parameters, input, pass);
    const MatrixView<T> y = output_.first_rows(rows_);
    for_each_batch_of_rows([](auto& out, const auto& made, const auto& open,
                              const auto& in) { out = in + open * (made - in); },
                           y, h, t, input);
    return y;
  }
  MatrixView<T> output_gradient() override { return output_gradient_.first_rows(rows_); }
  void backward(std::span<const T> parameters, MatrixView<const T> input, T mean,
                std::span<T> gradient, MatrixView<T> input_gradient) override {
    const MatrixView<const T> dy = output_gradient();
    const MatrixView<const T> h = transform_.output();
    const MatrixView<const T> t = gate_.output();
    for_each_batch_of_rows([](auto& out, const auto& up, const auto& open) { out = up * open; },
                           transform_.output_gradient(), dy, t);
    for_each_batch_of_rows(
        [](auto& out, const auto& up, const auto& made, const auto& in) { out = up * (made - in); },
        gate_.output_gradient(), dy, h, input);
    const bool goes_on = !input_gradient.empty();
    transform_.backward(parameters, input, mean, gradient, input_gradient);
    const MatrixView<T> by_gate = goes_on ? through_gate_.first_rows(rows_) : MatrixView<T>();
    gate_.backward(parameters, input, mean, gradient, by_gate);
    if (!goes_on) return;
    for_each_batch_of_rows([](auto& out, const auto& more, const auto& up,
                              const auto& open) { out += more + (up - up * open); },
                           input_gradient, MatrixView<const T>(by_gate), dy, t);
  }
  bool finite() const override { return transform_.finite() && gate_.finite(); }
  void add_weight_layers(std::vector<const WeightLayer<T>*>& layers) const override {
    layers.push_back(&transform_);
  }

 private:
  struct Tensors {
    const ParameterTensor& weight;
    const ParameterTensor& bias;
    const ParameterTensor& gate_weight;
    const ParameterTensor& gate_bias;
  };
  Highway(std::shared_ptr<const Activation> activation, const Site& site, const Tensors& tensors)
      : transform_({site.input.values(), site.batch * site.input.steps}, std::move(activation),
                   tensors.weight, tensors.bias, {}, site.gemm),
        gate_({site.input.values(), site.batch * site.input.steps}, plain_activation("sigmoid"),
              tensors.gate_weight, tensors.gate_bias, {}, site.gemm),
        output_(site.batch * site.input.steps, site.input),
        output_gradient_(site.batch * site.input.steps, site.input),
        through_gate_(site.batch * site.input.steps, site.input) {}

  DenseLayer<T> transform_;
  DenseLayer<T> gate_;
  Buffer<T> output_;
  Buffer<T> output_gradient_;
  Buffer<T> through_gate_;
  std::size_t rows_ = 0;
};

class HighwayKind final : public LayerKindOf<HighwayKind> {
 public:
  HighwayKind(std::shared_ptr<const Activation> activation, double gate_bias)
      : activation_(std::move(activation)), gate_bias_(gate_bias) {}

  std::string problem(const Shape& /*input*/) const override {
    return problem_as_part(*activation_);
  }
  Shape output(const Shape& input) const override {
    return Shape::sequence(input.steps, input.values());
  }
  void declare(const Shape& input, TensorList& tensors) const override {
    const std::size_t width = input.values();
    tensors.begin_weight_layer();
    tensors.add("weight", ParameterGroup::hidden, width, width);
    tensors.add("bias", ParameterGroup::bias, width, 1);
    tensors.add("gate_weight", ParameterGroup::hidden, width, width);
    tensors.add("gate_bias", ParameterGroup::bias, width, 1, gate_bias_);
  }
  double products(const Shape& input) const override {
    return 2 * static_cast<double>(input.size() * (input.values() + 1));
  }
  double kept_values(const Shape& input) const override { return 9 * buffered_values(input); }
  template <typename T>
  std::unique_ptr<Layer<T>> make(Site site) const {
    return std::make_unique<Highway<T>>(activation_, site);
  }

 private:
  std::shared_ptr<const Activation> activation_;
  double gate_bias_;
};

}  // namespace

std::shared_ptr<const LayerKind> highway_kind(std::shared_ptr<const Activation> activation,
                                              double gate_bias) {
  return std::make_shared<HighwayKind>(std::move(activation), gate_bias);
}

}  // namespace plumbline
