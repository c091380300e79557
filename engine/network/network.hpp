// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/activations/activation.hpp"
#include "engine/core/matrix_view.hpp"
#include "engine/core/parameters.hpp"
#include "engine/core/phase_clock.hpp"
#include "engine/initializers/initializer.hpp"
#include "engine/kernels/gemm.hpp"
#include "engine/layers/layer.hpp"

namespace plumbline {

enum class Precision { float32, float64 };

/// The settings of `[model]`, and what the engine does with them.
struct ModelSettings {
  std::string kind = "mlp";
  /// Units of each hidden layer, input side first. Weight layers are 1 (input side) to size + 1.
  std::vector<std::size_t> widths = {};
  std::string activation_name;
  std::string initializer_name;
  std::shared_ptr<const Activation> activation;
  std::shared_ptr<const Activation> output_activation;
  std::shared_ptr<const Initializer> initializer;
  Precision precision = Precision::float32;
  Gemm gemm = Gemm::native;  ///< of the table `[engine]`

  /// Declares and reads the settings.
  static ModelSettings read(Settings& settings);
};

/// A stack of layers over one flat parameter block, with the buffers for one batch.
template <typename T>
class Network {
 public:
  Network(const ModelSettings& model, std::size_t features, std::size_t outputs, std::size_t batch);

  const ParameterLayout& layout() const { return layout_; }
  std::size_t batch() const { return batch_; }
  /// The number of weight layers.
  std::size_t depth() const { return layers_.size(); }
  const Layer<T>& layer(std::size_t index) const { return *layers_[index]; }
  /// What the layer made of the rows of the last forward pass, behind its activation.
  MatrixView<const T> output(std::size_t index) const { return outputs_[index]; }

  /// Sets the initial parameters: layer l draws from the seed's init stream, part l. An initializer
  /// that looks at data sees `inputs`, at most `batch` examples; others need none. Where `stop` comes
  /// true, the layers that are left are not set, or not rescaled.
  void initialize(const Initializer& initializer, std::int64_t seed, std::span<T> parameters,
                  MatrixView<const T> inputs = {}, const std::atomic<bool>* stop = nullptr);

  /// Runs rows of examples (at most `batch`) forward; the result lives in the network until the
  /// next call. A clock, here and in backward(), is told where each layer begins.
  MatrixView<const T> forward(std::span<const T> parameters, MatrixView<const T> inputs,
                              PhaseClock* clock = nullptr);

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

  /// After backward(): whether Layer::finite() holds for every layer.
  bool finite() const;

 private:
  void rescale(const Initializer& initializer, std::span<T> parameters, MatrixView<const T> inputs,
               const std::atomic<bool>* stop);

  std::size_t batch_ = 0;
  ParameterLayout layout_;
  std::vector<std::unique_ptr<Layer<T>>> layers_;
  std::vector<MatrixView<const T>> outputs_;  // of each layer in the last forward pass
  std::vector<std::shared_ptr<const Activation>> activations_;  // of each layer
};

/// The layout of the net's parameters alone, without buffers.
ParameterLayout parameter_layout(const ModelSettings& model, std::size_t features,
                                 std::size_t outputs);

extern template class Network<float>;
extern template class Network<double>;

}  // namespace plumbline
