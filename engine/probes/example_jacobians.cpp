// SPDX-License-Identifier: Apache-2.0
#include "engine/probes/example_jacobians.hpp"

namespace plumbline {

namespace {

// Copies in a pass: bounds what the net keeps for them.
constexpr std::size_t kMostCopies = 64;

// What a Jacobian may have rows for: outputs, and units of plain layers.
std::size_t most_rows(const ProbedRun& run) {
  const StackKind layers = run.model.layers(run.outputs);
  std::size_t most = layers.output(run.input).size();
  if (!run.model.is_plain_stack()) return most;
  layers.for_each(run.input, [&](const LayerKind& kind, const Shape& input) {
    most = std::max(most, kind.output(input).size());
  });
  return most;
}

// Of the weights of plain layers, whose Jacobians are as large; 0 of other models.
struct LayerSizes {
  std::size_t largest = 0;
  std::size_t widest = 0;  // inputs of a layer
  std::size_t inputs = 0;  // of all layers
};

LayerSizes layer_sizes(const ProbedRun& run) {
  LayerSizes sizes;
  if (!run.model.is_plain_stack()) return sizes;
  for (const ParameterTensor& tensor : run.layout.tensors()) {
    if (!tensor.is_weight_matrix()) continue;
    sizes.largest = std::max(sizes.largest, tensor.size());
    sizes.widest = std::max(sizes.widest, tensor.cols);
    sizes.inputs += tensor.cols;
  }
  return sizes;
}

// 1 at output first + k of copy k, else 0. A batch has the first steps of all copies before the second ones.
void set_axes(MatrixView<double> slopes, std::size_t first, std::size_t copies) {
  for (std::size_t i = 0; i < slopes.rows; ++i) std::fill_n(slopes.row(i), slopes.cols, 0.0);
  for (std::size_t k = 0; k < copies; ++k) {
    slopes((first + k) / slopes.cols * copies + k, (first + k) % slopes.cols) = 1;
  }
}

void set_rows(MatrixView<double> rows, const double* values) {
  for (std::size_t i = 0; i < rows.rows; ++i) std::copy_n(values, rows.cols, rows.row(i));
}

}  // namespace

ExampleJacobians::ExampleJacobians(const ProbedRun& run)
    : layout_(run.layout),
      input_(run.input),
      outputs_(run.model.layers(run.outputs).output(run.input).size()),
      together_(std::min(kMostCopies, most_rows(run))),
      layers_(run.model.layers(run.outputs)
                  .stack<double>(layout_, run.input, together_, run.model.gemm)),
      parameters_(layout_.size()),
      gradient_(layout_.size()),
      example_(run.input.steps, run.input),
      copies_(together_ * run.input.steps, run.input),
      input_gradient_(together_ * run.input.steps, run.input) {
  layers_.add_weight_layers(weight_layers_);
  layers_.add_state(states_);
  from_layers_.resize(weight_layers_.size());
  layer_inputs_.resize(run.model.is_plain_stack() ? weight_layers_.size() : 0);
  const LayerSizes sizes = layer_sizes(run);
  layer_copies_.reserve(together_ * sizes.widest);
  of_layer_.values.reserve(sizes.largest);
}

double ExampleJacobians::memory(const ProbedRun& run) {
  const StackKind layers = run.model.layers(run.outputs);
  const double kept = layers.kept_values(run.input);
  const auto outputs = static_cast<double>(layers.output(run.input).size());
  const auto inputs =
      static_cast<double>(run.input.steps * padded_stride<double>(run.input.values()));
  const auto copies = static_cast<double>(std::min(kMostCopies, most_rows(run)));
  const LayerSizes sizes = layer_sizes(run);
  const double of_layers = static_cast<double>(sizes.inputs) + static_cast<double>(sizes.largest) +
                           copies * static_cast<double>(sizes.widest);
  return 8 *
         (copies * (kept + 2 * inputs) + packed_values(run.layout) + inputs +
          2 * static_cast<double>(run.layout.size()) + outputs * (kept / 3 + inputs) + of_layers);
}

void ExampleJacobians::Jacobian::resize(std::size_t new_rows, std::size_t new_cols) {
  rows = new_rows;
  cols = new_cols;
  values.resize(rows * cols);
}

void ExampleJacobians::take(MatrixView<const double> pass, std::size_t first, std::size_t count,
                            Jacobian& jacobian) const {
  const std::size_t steps = pass.rows / count;
  if (first == 0) jacobian.resize(outputs_, steps * pass.cols);
  for (std::size_t k = 0; k < count; ++k) {
    double* const row = jacobian.values.data() + (first + k) * jacobian.cols;
    for (std::size_t step = 0; step < steps; ++step) {
      std::copy_n(pass.row(step * count + k), pass.cols, row + step * pass.cols);
    }
  }
}

void ExampleJacobians::differentiate() {
  const std::size_t steps = input_.steps;
  for (std::size_t first = 0; first < outputs_; first += together_) {
    const std::size_t count = std::min(together_, outputs_ - first);
    const MatrixView<double> inputs = copies_.first_rows(steps * count);
    for (std::size_t step = 0; step < steps; ++step) {
      const MatrixView<double> of_step{inputs.row(step * count), count, inputs.cols, inputs.stride};
      set_rows(of_step, example_.first_rows(steps).row(step));
    }
    layers_.forward(parameters_, inputs, {.training = false});
    // The pass back may use them up.
    for (std::size_t l = 0; l < layer_inputs_.size(); ++l) {
      const MatrixView<const double> of_layer = weight_layers_[l]->input();
      layer_inputs_[l].assign(of_layer.row(0), of_layer.row(0) + of_layer.cols);
    }
    set_axes(layers_.output_gradient(), first, count);
    const MatrixView<double> slopes = input_gradient_.first_rows(steps * count);
    layers_.backward(parameters_, inputs, 1, gradient_, slopes);
    for (std::size_t l = 0; l < weight_layers_.size(); ++l) {
      take(weight_layers_[l]->error_signal(), first, count, from_layers_[l]);
    }
    take(slopes, first, count, from_input_);
  }
}

MatrixView<const double> ExampleJacobians::of_layer(std::size_t l) {
  Layer<double>& layer = *layers_.layers()[l];
  const std::size_t inputs = layer_inputs_[l].size();
  const std::size_t units = weight_layers_[l]->output().cols;
  of_layer_.resize(units, inputs);
  for (std::size_t first = 0; first < units; first += together_) {
    const std::size_t count = std::min(together_, units - first);
    layer_copies_.resize(count * inputs);
    const MatrixView<double> input{layer_copies_.data(), count, inputs, inputs};
    set_rows(input, layer_inputs_[l].data());
    layer.forward(parameters_, input, {.training = false});
    set_axes(layer.output_gradient(), first, count);
    layer.backward(parameters_, input, 1, gradient_,
                   {of_layer_.values.data() + first * inputs, count, inputs, inputs});
  }
  return view(of_layer_);
}

}  // namespace plumbline
