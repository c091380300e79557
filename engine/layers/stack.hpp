// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "engine/core/phase_clock.hpp"
#include "engine/layers/layer.hpp"

namespace plumbline {

/// Layers that stand on each other.
template <typename T>
class Stack final : public Layer<T> {
 public:
  explicit Stack(std::vector<std::unique_ptr<Layer<T>>> layers) : layers_(std::move(layers)) {
    outputs_.reserve(layers_.size());
  }

  const std::vector<std::unique_ptr<Layer<T>>>& layers() const { return layers_; }

  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input,
                              const Pass& pass) override {
    return forward(parameters, input, pass, nullptr);
  }
  /// A clock, here and in backward(), is told where each layer begins.
  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> input,
                              const Pass& pass, PhaseClock* clock) {
    outputs_.clear();
    for (const auto& layer : layers_) {
      enter(clock, Phase::forward, outputs_.size() + 1);
      outputs_.push_back(
          layer->forward(parameters, outputs_.empty() ? input : outputs_.back(), pass));
    }
    return outputs_.back();
  }
  MatrixView<const T> output() const { return outputs_.back(); }

  MatrixView<T> output_gradient() override { return layers_.back()->output_gradient(); }

  void backward(std::span<const T> parameters, MatrixView<const T> input, T mean,
                std::span<T> gradient, MatrixView<T> input_gradient) override {
    backward(parameters, input, mean, gradient, input_gradient, nullptr);
  }
  void backward(std::span<const T> parameters, MatrixView<const T> input, T mean,
                std::span<T> gradient, MatrixView<T> input_gradient, PhaseClock* clock) {
    for (std::size_t l = layers_.size(); l-- > 0;) {
      enter(clock, Phase::backward, l + 1);
      layers_[l]->backward(parameters, l == 0 ? input : outputs_[l - 1], mean, gradient,
                           l == 0 ? input_gradient : layers_[l - 1]->output_gradient());
    }
  }

  MatrixView<const T> tangent(std::span<const T> parameters, std::span<const T> direction,
                              MatrixView<const T> input,
                              MatrixView<const T> input_direction) override {
    MatrixView<const T> along = input_direction;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      along = layers_[l]->tangent(parameters, direction, l == 0 ? input : outputs_[l - 1], along);
    }
    return along;
  }

  bool finite() const override {
    return std::ranges::all_of(layers_, [](const auto& layer) { return layer->finite(); });
  }
  void add_weight_layers(std::vector<const WeightLayer<T>*>& layers) const override {
    for (const auto& layer : layers_) layer->add_weight_layers(layers);
  }
  void settle(std::span<T> parameters) const override {
    for (const auto& layer : layers_) layer->settle(parameters);
  }
  void add_state(std::vector<std::span<T>>& states) override {
    for (const auto& layer : layers_) layer->add_state(states);
  }

 private:
  std::vector<std::unique_ptr<Layer<T>>> layers_;
  std::vector<MatrixView<const T>> outputs_;  // of each layer in the last forward pass
};

/// The kinds of a stack, and what holds for it as a whole. An empty stack does nothing.
class StackKind {
 public:
  explicit StackKind(std::vector<std::shared_ptr<const LayerKind>> kinds)
      : kinds_(std::move(kinds)) {}

  const std::vector<std::shared_ptr<const LayerKind>>& kinds() const { return kinds_; }

  /// Calls function(kind, input) for each layer with the shape that it stands on; returns the outputs'.
  template <class Function>
  Shape for_each(Shape input, const Function& function) const {
    for (const auto& kind : kinds_) {
      function(*kind, input);
      input = kind->output(input);
    }
    return input;
  }
  Shape output(const Shape& input) const {
    return for_each(input, [](const LayerKind&, const Shape&) {});
  }
  void declare(const Shape& input, TensorList& tensors) const {
    for_each(input, [&](const LayerKind& kind, const Shape& at) { kind.declare(at, tensors); });
  }
  double products(const Shape& input) const {
    double sum = 0;
    for_each(input, [&](const LayerKind& kind, const Shape& at) { sum += kind.products(at); });
    return sum;
  }
  double kept_values(const Shape& input) const {
    double sum = 0;
    for_each(input, [&](const LayerKind& kind, const Shape& at) { sum += kind.kept_values(at); });
    return sum;
  }
  std::size_t least_batch(const Shape& input) const {
    std::size_t least = 1;
    for_each(input, [&](const LayerKind& kind, const Shape& at) {
      least = std::max(least, kind.least_batch(at));
    });
    return least;
  }
  bool is_dense() const {
    return std::ranges::all_of(kinds_, [](const auto& kind) { return kind->is_dense(); });
  }
  /// LayerKind::keeps_statistics() of any layer.
  bool keeps_statistics() const {
    return std::ranges::any_of(kinds_, [](const auto& kind) { return kind->keeps_statistics(); });
  }
  /// Layers for the parameters of this layout, which is the stack's own.
  template <typename T>
  Stack<T> stack(const ParameterLayout& layout, const Shape& input, std::size_t batch,
                 Gemm gemm) const {
    TensorReader tensors(layout);
    std::size_t made = 0;
    return Stack<T>(make<T>({input, batch, gemm, tensors, made}));
  }
  /// The same as a part of a larger net.
  template <typename T>
  std::vector<std::unique_ptr<Layer<T>>> make(Site site) const {
    std::vector<std::unique_ptr<Layer<T>>> layers;
    for (const auto& kind : kinds_) {
      layers.push_back(make_layer<T>(*kind, site));
      ++site.layers;
      site.input = kind->output(site.input);
    }
    return layers;
  }

 private:
  std::vector<std::shared_ptr<const LayerKind>> kinds_;
};

}  // namespace plumbline
