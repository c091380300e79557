// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/core/matrix_view.hpp"
#include "engine/core/parameters.hpp"
#include "engine/core/phase_clock.hpp"
#include "engine/initializers/initializer.hpp"
#include "engine/layers/stack.hpp"
#include "engine/network/model_settings.hpp"

namespace plumbline {

/// A stack of layers over one flat parameter block, with the buffers for one batch.
template <typename T>
class Network {
 public:
  /// `batch`: the most examples of a pass.
  Network(const ModelSettings& model, const Shape& input, std::size_t outputs, std::size_t batch);

  /// The same on vectors.
  Network(const ModelSettings& model, std::size_t features, std::size_t outputs, std::size_t batch)
      : Network(model, Shape::vector(features), outputs, batch) {}

  const ParameterLayout& layout() const { return layout_; }
  std::size_t batch() const { return batch_; }
  /// The number of weight layers.
  std::size_t depth() const { return weight_layers_.size(); }
  const WeightLayer<T>& layer(std::size_t index) const { return *weight_layers_[index]; }

  /// Sets the initial parameters: layer l draws from the seed's init stream, part l. An initializer
  /// that looks at data sees `inputs`, at most `batch` examples; others need none. Where `stop` comes
  /// true, the layers that are left are not set, or not rescaled.
  void initialize(const Initializer& initializer, std::int64_t seed, std::span<T> parameters,
                  MatrixView<const T> inputs = {}, const std::atomic<bool>* stop = nullptr);

  /// Runs examples (at most `batch`) forward; the result lives in the network until the next call. A
  /// clock, here and in backward(), is told where each layer begins.
  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> inputs,
                              const Pass& pass = {}, PhaseClock* clock = nullptr);

  /// The derivative of the last forward pass's outputs along a direction of the parameters: J v for
  /// each example. Lives in the network until the next call.
  MatrixView<const T> tangent(std::span<const T> parameters, std::span<const T> direction,
                              MatrixView<const T> inputs);

  /// Where backward() expects dL_i/dy for the rows of the last forward pass, so call it after that.
  MatrixView<T> output_gradient();

  /// Carries the error signal from the outputs back to layer 1, and writes the gradient of the batch
  /// mean of the loss. `inputs` are those of the last forward pass.
  void backward(std::span<const T> parameters, MatrixView<const T> inputs, std::span<T> gradient,
                PhaseClock* clock = nullptr);

  /// What Layer::add_state() adds for all layers.
  std::vector<std::span<T>> state();

  /// After backward(): whether Layer::finite() holds for every layer.
  bool finite() const;

 private:
  Network(const ModelSettings& model, const StackKind& kinds, const Shape& input, std::size_t batch,
          ParameterLayout layout);
  void rescale(const Initializer& initializer, std::span<T> parameters, MatrixView<const T> inputs,
               const std::atomic<bool>* stop);

  std::size_t batch_ = 0;
  std::shared_ptr<const Initializer> recurrent_initializer_;
  ParameterLayout layout_;
  Stack<T> layers_;
  std::vector<const WeightLayer<T>*> weight_layers_;
};

/// The layout of the net's parameters alone, without buffers.
ParameterLayout parameter_layout(const ModelSettings& model, const Shape& input,
                                 std::size_t outputs);

/// The same on vectors.
inline ParameterLayout parameter_layout(const ModelSettings& model, std::size_t features,
                                        std::size_t outputs) {
  return parameter_layout(model, Shape::vector(features), outputs);
}

/// Values that a net keeps beside its parameters whatever the batch is: kernels of convolutions packed for two
/// products, in panels that are filled up, and sums of their gradients in parts; weights of recurrent layers over their states turned over, and
/// with padding.
double packed_values(const ParameterLayout& layout);

/// The number of its weight layers, unrolled ones counted by step.
std::size_t weight_layers(const ModelSettings& model, const Shape& input, std::size_t outputs);

extern template class Network<float>;
extern template class Network<double>;

}  // namespace plumbline
