// SPDX-License-Identifier: Apache-2.0
// One layer of the catalogue with random parameters, inputs and output slopes.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/random.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/layers/layer.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {

struct LayerChoice {
  std::string name;
  std::vector<Setting> settings = {};
  Shape input = {};
  std::size_t batch = 3;
  Pass pass = {};
  std::string activation = "tanh";  ///< of the model around it
  std::size_t width = 7;

  std::shared_ptr<const LayerKind> kind() const {
    const SettingsTable table = settings_table(settings);
    SettingsReport report;
    Settings reader(table, "", report);
    auto made = layer_catalogue().find(name)->make(
        reader, {plain_activation(activation), activation, width});
    reader.finish();
    if (!report.problems.empty()) throw DefinitionError(report.problems);
    return made;
  }
};

/// The loss is sum over all outputs of slope x output, so that dL/d(output) is the slope.
template <typename T>
class LayerRun {
 public:
  explicit LayerRun(const LayerChoice& choice, std::int64_t seed = 1)
      : choice_(choice),
        kind(choice.kind()),
        layout(layout_of(*kind, choice.input)),
        parameters(layout.size()),
        inputs_(choice.batch * choice.input.steps, choice.input),
        slopes_(choice.batch * choice.input.steps, kind->output(choice.input)) {
    TensorReader tensors(layout);
    std::size_t made = 0;
    layer = make_layer<T>(*kind, {choice.input, choice.batch, Gemm::native, tensors, made});
    Random random(seed, RandomStream::data, 7);
    for (const ParameterTensor& tensor : layout.tensors()) {
      for (std::size_t i = 0; i < tensor.size(); ++i) {
        parameters[tensor.offset + i] =
            static_cast<T>(tensor.initial.value_or(0) + 0.5 * random.normal());
      }
    }
    const std::size_t symbols = choice_.input.symbols;
    for (const MatrixView<T> one : {inputs(), slopes()}) {
      const bool draws_symbols = symbols > 0 && one.data == inputs().data;
      for (std::size_t i = 0; i < one.rows; ++i) {
        for (std::size_t j = 0; j < one.cols; ++j) {
          one(i, j) = static_cast<T>(draws_symbols ? static_cast<double>(random.below(symbols))
                                                   : random.normal());
        }
      }
    }
  }

  static ParameterLayout layout_of(const LayerKind& kind, const Shape& input) {
    TensorList tensors;
    kind.declare(input, tensors);
    return tensors.layout();
  }

  MatrixView<T> inputs() { return inputs_.first_rows(choice_.batch * choice_.input.steps); }
  /// As many rows as the layer has outputs.
  MatrixView<T> slopes() {
    return slopes_.first_rows(choice_.batch * kind->output(choice_.input).steps);
  }

  MatrixView<const T> forward() { return layer->forward(parameters, inputs(), choice_.pass); }
  double loss() {
    const MatrixView<const T> outputs = forward();
    const MatrixView<const T> weights = slopes();
    double sum = 0;
    for (std::size_t i = 0; i < outputs.rows; ++i) {
      for (std::size_t j = 0; j < outputs.cols; ++j) {
        sum += static_cast<double>(outputs(i, j)) * static_cast<double>(weights(i, j));
      }
    }
    return sum;
  }
  /// Of the loss, in the parameters and in the inputs; leaves room between what it fills as it was.
  void backward(std::span<T> gradient, MatrixView<T> input_gradient) {
    forward();
    const MatrixView<T> to = layer->output_gradient();
    for (std::size_t i = 0; i < to.rows; ++i) {
      std::copy_n(slopes().row(i), to.cols, to.row(i));
    }
    layer->backward(parameters, inputs(), T(1), gradient, input_gradient);
  }

 private:
  LayerChoice choice_;

 public:
  std::shared_ptr<const LayerKind> kind;
  ParameterLayout layout;
  std::unique_ptr<Layer<T>> layer;
  std::vector<T> parameters;

 private:
  Buffer<T> inputs_;
  Buffer<T> slopes_;
};

}  // namespace plumbline
