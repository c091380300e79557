// SPDX-License-Identifier: Apache-2.0
#include "engine/network/network.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/core/tensor.hpp"

namespace plumbline {

ParameterLayout parameter_layout(const ModelSettings& model, const Shape& input,
                                 std::size_t outputs) {
  TensorList tensors;
  model.layers(outputs).declare(input, tensors);
  return tensors.layout();
}

double packed_values(const ParameterLayout& layout) {
  std::size_t packed = 0;
  for (const ParameterTensor& tensor : layout.tensors()) {
    if (tensor.places > 1) packed += 4 * tensor.size();
    if (tensor.group == ParameterGroup::recurrent) packed += 2 * tensor.size();
  }
  return static_cast<double>(packed);
}

std::size_t weight_layers(const ModelSettings& model, const Shape& input, std::size_t outputs) {
  TensorList tensors;
  model.layers(outputs).declare(input, tensors);
  return tensors.depth();
}

namespace {

// Of an embedding, which scales what it has of N(0, 1).
bool is_table(const ParameterTensor& tensor) {
  return tensor.group == ParameterGroup::input && tensor.name.ends_with(".table");
}

void fill_standard_normal(std::span<double> values, Random& random) {
  for (double& value : values) value = random.normal();
}

}  // namespace

template <typename T>
Network<T>::Network(const ModelSettings& model, const Shape& input, std::size_t outputs,
                    std::size_t batch)
    : Network(model, model.layers(outputs), input, batch, parameter_layout(model, input, outputs)) {
}

template <typename T>
Network<T>::Network(const ModelSettings& model, const StackKind& kinds, const Shape& input,
                    std::size_t batch, ParameterLayout layout)
    : batch_(batch),
      recurrent_initializer_(model.recurrent_initializer),
      layout_(std::move(layout)),
      layers_(kinds.stack<T>(layout_, input, batch, model.gemm)) {
  layers_.add_weight_layers(weight_layers_);
}

// A layer draws its weights and then its biases from one sequence of random numbers.
template <typename T>
void Network<T>::initialize(const Initializer& initializer, std::int64_t seed,
                            std::span<T> parameters, MatrixView<const T> inputs,
                            const std::atomic<bool>* stop) {
  const auto put = [&](const ParameterTensor& tensor, std::span<const double> values) {
    std::ranges::transform(values, parameters.data() + tensor.offset,
                           [](double value) { return static_cast<T>(value); });
  };
  std::size_t layer = 0;
  std::optional<Random> random;
  for (const ParameterTensor& tensor : layout_.tensors()) {
    if (tensor.initial) {
      std::ranges::fill(parameters.subspan(tensor.offset, tensor.size()),
                        static_cast<T>(*tensor.initial));
      continue;
    }
    if (tensor.layer != layer) {
      if (stop != nullptr && *stop) return;
      layer = tensor.layer;
      random.emplace(seed, RandomStream::init, static_cast<std::uint32_t>(layer));
    }
    Matrix<double> drawn(Matrix<double>::shape_type{tensor.rows, tensor.cols});
    const std::span<double> values(drawn.data(), drawn.size());
    if (tensor.group == ParameterGroup::recurrent && !initializer.has_values_of(tensor)) {
      recurrent_initializer_->fill_weights(tensor, view(drawn), *random);
    } else if (is_table(tensor)) {
      fill_standard_normal(values, *random);
    } else if (tensor.is_weight_matrix()) {
      initializer.fill_weights(tensor, view(drawn), *random);
    } else {
      initializer.fill_bias(tensor, values, *random);
    }
    put(tensor, values);
  }
  layers_.settle(parameters);
  for (const ParameterTensor& tensor : layout_.tensors()) {
    const bool settled = tensor.initial || is_table(tensor);
    if (!settled || !initializer.has_values_of(tensor)) continue;
    Matrix<double> own(Matrix<double>::shape_type{tensor.rows, tensor.cols});
    const std::span<double> values(own.data(), own.size());
    if (tensor.is_weight_matrix()) {
      initializer.fill_weights(tensor, view(own), *random);
    } else {
      initializer.fill_bias(tensor, values, *random);
    }
    put(tensor, values);
  }
  if (initializer.looks_at_data()) rescale(initializer, parameters, inputs, stop);
}

// From the input side, as a layer's pre-activations depend on the weights below.
template <typename T>
void Network<T>::rescale(const Initializer& initializer, std::span<T> parameters,
                         MatrixView<const T> inputs, const std::atomic<bool>* stop) {
  MatrixView<const T> input = inputs;
  for (const auto& layer : layers_.layers()) {
    std::vector<const WeightLayer<T>*> inside;
    layer->add_weight_layers(inside);
    for (const WeightLayer<T>* weight_layer : inside) {
      if (stop != nullptr && *stop) return;
      layer->forward(parameters, input, Pass());
      const MatrixView<const T> z = weight_layer->pre_activation();
      Matrix<double> seen(Matrix<double>::shape_type{z.rows, z.cols});
      for (std::size_t i = 0; i < z.rows; ++i) {
        std::copy_n(z.row(i), z.cols, seen.data() + i * z.cols);
      }
      const double factor = initializer.weight_factor(view(std::as_const(seen)));
      const ParameterTensor& weight = weight_layer->weight();
      for (T& w : parameters.subspan(weight.offset, weight.size())) {
        w = static_cast<T>(factor * static_cast<double>(w));
      }
    }
    input = layer->forward(parameters, input, Pass());
  }
}

template <typename T>
MatrixView<const T> Network<T>::forward(std::span<const T> parameters, MatrixView<const T> inputs,
                                        const Pass& pass, PhaseClock* clock) {
  return layers_.forward(parameters, inputs, pass, clock);
}

template <typename T>
MatrixView<const T> Network<T>::tangent(std::span<const T> parameters, std::span<const T> direction,
                                        MatrixView<const T> inputs) {
  return layers_.tangent(parameters, direction, inputs, {});
}

template <typename T>
MatrixView<T> Network<T>::output_gradient() {
  return layers_.output_gradient();
}

template <typename T>
void Network<T>::backward(std::span<const T> parameters, MatrixView<const T> inputs,
                          std::span<T> gradient, PhaseClock* clock) {
  const T mean = T(1) / static_cast<T>(layers_.output().rows);
  layers_.backward(parameters, inputs, mean, gradient, {}, clock);
}

template <typename T>
std::vector<std::span<T>> Network<T>::state() {
  std::vector<std::span<T>> states;
  layers_.add_state(states);
  return states;
}

template <typename T>
bool Network<T>::finite() const {
  return layers_.finite();
}

template class Network<float>;
template class Network<double>;

}  // namespace plumbline
