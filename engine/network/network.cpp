// SPDX-License-Identifier: Apache-2.0
#include "engine/network/network.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/core/tensor.hpp"
#include "engine/layers/dense.hpp"

namespace plumbline {

namespace {

template <class Entry, class Make>
auto make(const Chosen<Entry>& chosen, Settings& settings, const Make& construct) {
  using Made = decltype(construct(*chosen.entry, settings));
  return chosen.entry == nullptr ? Made() : chosen.make(settings.report(), construct);
}

// `depth` layers of `width` units, or the layers of the list `widths`; then `depth` and `width` are
// recorded as the list's length and its largest element.
std::vector<std::size_t> read_widths(Settings& settings) {
  constexpr Range kWidth = between(1, 1000000);
  const std::vector<std::int64_t> listed =
      settings.integers("widths", kWidth, Settings::Order::any,
                        "units of each hidden layer, in the place of depth and width");
  if (!listed.empty()) {
    if (std::ranges::count(listed, listed.front()) == std::ssize(listed)) {
      settings.restates("widths");
    }
    for (const char* other : {"depth", "width"}) {
      if (settings.given(other)) {
        settings.problem(other, "is given beside 'model.widths'; give one of the two");
      }
    }
  }
  const std::int64_t depth =
      settings.integer("depth", listed.empty() ? 10 : static_cast<std::int64_t>(listed.size()),
                       between(0, 100000), "hidden layers");
  const std::int64_t width =
      settings.integer("width", listed.empty() ? 100 : *std::ranges::max_element(listed), kWidth,
                       "units in each hidden layer");
  if (!listed.empty()) return {listed.begin(), listed.end()};
  return std::vector<std::size_t>(static_cast<std::size_t>(depth), static_cast<std::size_t>(width));
}

}  // namespace

ModelSettings ModelSettings::read(Settings& settings) {
  const auto make_activation = [](const ActivationEntry& entry, Settings& own) {
    return entry.make(own);
  };
  ModelSettings model;
  model.kind =
      settings.choice("kind", "mlp", {"mlp"}, "architecture; mlp is a stack of dense layers");
  model.widths = read_widths(settings);
  const auto activation = choose(settings, "activation", "tanh", activation_catalogue(),
                                 "what follows each hidden layer's sums");
  const auto output = choose(settings, "output_activation", "linear", activation_catalogue(),
                             "what follows the output layer's sums");
  const auto initializer = choose(settings, "initializer", "glorot_uniform",
                                  initializer_catalogue(), "how weights and biases start");
  model.activation_name = activation.plugin.name;
  model.initializer_name = initializer.plugin.name;
  model.activation = make(activation, settings, make_activation);
  model.output_activation = make(output, settings, make_activation);
  if (model.output_activation != nullptr && model.output_activation->outputs(1) != 1) {
    settings.problem("output_activation", "is '" + output.plugin.name +
                                              "', which makes more outputs than there are targets");
  }
  if (model.activation != nullptr) {
    model.initializer =
        make(initializer, settings, [&](const InitializerEntry& entry, Settings& own) {
          return entry.make(own, {*model.activation, '\'' + model.activation_name + '\''});
        });
  } else if (initializer.entry != nullptr) {
    initializer.check(settings.report(), [](const InitializerEntry& entry, Settings& own) {
      entry.make(own, *any_activation());
    });
  }
  const std::string precision = settings.choice("precision", "float32", {"float32", "float64"},
                                                "type of parameters, activations and gradients");
  model.precision = precision == "float64" ? Precision::float64 : Precision::float32;
  settings.finish();
  return model;
}

ParameterLayout parameter_layout(const ModelSettings& model, std::size_t features,
                                 std::size_t outputs) {
  ParameterLayout layout;
  const std::size_t last = model.widths.size() + 1;
  std::size_t cols = features;
  for (std::size_t layer = 1; layer <= last; ++layer) {
    const ParameterGroup group = layer == last ? ParameterGroup::output
                                 : layer == 1  ? ParameterGroup::input
                                               : ParameterGroup::hidden;
    const std::string name = "layer_" + std::to_string(layer);
    const Activation& activation = *(layer == last ? model.output_activation : model.activation);
    const std::size_t width = layer == last ? outputs : model.widths[layer - 1];
    const std::size_t rows = activation.units(width);
    layout.add(name + ".weight", layer, group, rows, cols);
    layout.add(name + ".bias", layer, ParameterGroup::bias, rows, 1);
    if (const std::size_t own = activation.parameters(width); own > 0) {
      layout.add(name + ".activation", layer, ParameterGroup::activation, own, 1);
    }
    cols = activation.outputs(width);
  }
  return layout;
}

template <typename T>
Network<T>::Network(const ModelSettings& model, std::size_t features, std::size_t outputs,
                    std::size_t batch)
    : batch_(batch), layout_(parameter_layout(model, features, outputs)) {
  const std::vector<ParameterTensor>& tensors = layout_.tensors();
  for (std::size_t index = 0; index < tensors.size();) {
    const std::size_t layer = layers_.size();
    const bool last = layer == model.widths.size();
    activations_.push_back(last ? model.output_activation : model.activation);
    const bool has_own =
        index + 2 < tensors.size() && tensors[index + 2].group == ParameterGroup::activation;
    layers_.push_back(std::make_unique<Dense<T>>(
        typename Dense<T>::Shape{tensors[index].cols, last ? outputs : model.widths[layer], batch},
        activations_.back(), tensors[index], tensors[index + 1],
        has_own ? &tensors[index + 2] : nullptr, model.gemm));
    index += has_own ? 3 : 2;
  }
}

template <typename T>
void Network<T>::initialize(const Initializer& initializer, std::int64_t seed,
                            std::span<T> parameters, MatrixView<const T> inputs,
                            const std::atomic<bool>* stop) {
  const auto rounded = [](double value) { return static_cast<T>(value); };
  for (const ParameterTensor& tensor : layout_.tensors()) {
    if (tensor.group == ParameterGroup::activation) {
      std::ranges::fill(parameters.subspan(tensor.offset, tensor.size()),
                        rounded(activations_[tensor.layer - 1]->initial_parameter()));
    }
  }
  for (const auto& layer : layers_) {
    if (stop != nullptr && *stop) return;
    const ParameterTensor& weight = layer->weight();
    const ParameterTensor& bias = layer->bias();
    Random random(seed, RandomStream::init, static_cast<std::uint32_t>(weight.layer));
    Matrix<double> drawn(Matrix<double>::shape_type{weight.rows, weight.cols});
    initializer.fill_weights(weight, view(drawn), random);
    std::transform(drawn.data(), drawn.data() + drawn.size(), parameters.data() + weight.offset,
                   rounded);
    Vector<double> drawn_bias(Vector<double>::shape_type{bias.rows});
    initializer.fill_bias(bias, values(drawn_bias), random);
    std::transform(drawn_bias.data(), drawn_bias.data() + drawn_bias.size(),
                   parameters.data() + bias.offset, rounded);
  }
  if (initializer.looks_at_data()) rescale(initializer, parameters, inputs, stop);
}

// From the input side, as a layer's pre-activations depend on the weights below.
template <typename T>
void Network<T>::rescale(const Initializer& initializer, std::span<T> parameters,
                         MatrixView<const T> inputs, const std::atomic<bool>* stop) {
  MatrixView<const T> input = inputs;
  for (const auto& layer : layers_) {
    if (stop != nullptr && *stop) return;
    layer->forward(parameters, input);
    const MatrixView<const T> z = layer->pre_activation();
    Matrix<double> seen(Matrix<double>::shape_type{z.rows, z.cols});
    for (std::size_t i = 0; i < z.rows; ++i) {
      std::copy_n(z.row(i), z.cols, seen.data() + i * z.cols);
    }
    const double factor = initializer.weight_factor(view(std::as_const(seen)));
    const ParameterTensor& weight = layer->weight();
    for (T& w : parameters.subspan(weight.offset, weight.size())) {
      w = static_cast<T>(factor * static_cast<double>(w));
    }
    input = layer->forward(parameters, input);
  }
}

template <typename T>
MatrixView<const T> Network<T>::forward(std::span<const T> parameters, MatrixView<const T> inputs,
                                        PhaseClock* clock) {
  outputs_.clear();
  for (const auto& layer : layers_) {
    enter(clock, Phase::forward, outputs_.size() + 1);
    outputs_.push_back(layer->forward(parameters, outputs_.empty() ? inputs : outputs_.back()));
  }
  return outputs_.back();
}

template <typename T>
MatrixView<const T> Network<T>::tangent(std::span<const T> parameters, std::span<const T> direction,
                                        MatrixView<const T> inputs) {
  MatrixView<const T> along;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    along = layers_[l]->tangent(parameters, direction, l == 0 ? inputs : outputs_[l - 1], along);
  }
  return along;
}

template <typename T>
MatrixView<T> Network<T>::output_gradient() {
  return layers_.back()->output_gradient();
}

template <typename T>
void Network<T>::backward(std::span<const T> parameters, MatrixView<const T> inputs,
                          std::span<T> gradient, PhaseClock* clock) {
  for (std::size_t l = layers_.size(); l-- > 0;) {
    enter(clock, Phase::backward, l + 1);
    layers_[l]->backward(parameters, l == 0 ? inputs : outputs_[l - 1], gradient,
                         l == 0 ? MatrixView<T>() : layers_[l - 1]->output_gradient());
  }
}

template <typename T>
bool Network<T>::finite() const {
  return std::ranges::all_of(layers_, [](const auto& layer) { return layer->finite(); });
}

template class Network<float>;
template class Network<double>;

}  // namespace plumbline
