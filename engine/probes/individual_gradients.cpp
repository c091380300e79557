// SPDX-License-Identifier: Apache-2.0
#include "engine/probes/individual_gradients.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "engine/kernels/gemm.hpp"
#include "engine/kernels/reduce.hpp"
#include "engine/kernels/sum.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/layers/noisy_kind.hpp"
#include "engine/probes/weight_tensors.hpp"

namespace plumbline {

namespace {

// Whether each layer with parameters has one weight matrix and one bias and nothing else, and sees each
// example as one row.
bool is_by_rows(const ProbedRun& run) {
  bool by_rows = run.input.steps == 1;
  run.model.layers(run.outputs).for_each(run.input, [&](const LayerKind& kind, const Shape& at) {
    // On an image a dense layer sees all of it, any other a patch at a time.
    if (at.is_image() && kind.products(at) > 0 && !kind.is_dense()) by_rows = false;
  });
  std::map<std::size_t, std::pair<int, int>> tensors;  // of each layer: weights and biases
  for (const ParameterTensor& tensor : run.layout.tensors()) {
    auto& [weights, biases] = tensors[tensor.layer];
    const bool is_bias = tensor.group == ParameterGroup::bias;
    if (!is_bias && (!tensor.is_weight_matrix() || tensor.places > 1)) return false;
    ++(is_bias ? biases : weights);
  }
  return by_rows && tensors.size() == run.layers &&
         std::ranges::all_of(tensors,
                             [](const auto& layer) { return layer.second == std::pair(1, 1); });
}

std::size_t most_units(const ProbedRun& run) {
  std::size_t most = 0;
  for (const ParameterTensor& tensor : run.layout.tensors()) most = std::max(most, tensor.rows);
  return most;
}
std::size_t most_inputs(const ProbedRun& run) {
  std::size_t most = 0;
  for (const ParameterTensor& tensor : run.layout.tensors()) most = std::max(most, tensor.cols);
  return most;
}

template <typename T>
std::span<const T> row(MatrixView<const T> matrix, std::size_t i) {
  return {matrix.row(i), matrix.cols};
}

template <typename T>
class ByRows final : public IndividualGradients<T> {
 public:
  explicit ByRows(const ProbedRun& run)
      : loss_(run.loss),
        batch_(run.batch),
        most_units_(most_units(run)),
        most_inputs_(most_inputs(run)),
        weights_(run.batch) {}

  void look(const Snapshot<T>& at, const IndividualSums<T>& wanted) override {
    std::ranges::fill(wanted.squares, 0.0);
    std::ranges::fill(wanted.projections, 0.0);
    for (std::size_t l = 0; l < at.network.depth(); ++l) {
      const WeightLayer<T>& layer = at.network.layer(l);
      if (!wanted.squares.empty() || !wanted.layer_squares.empty()) add_squares(l, layer, wanted);
      if (!wanted.second_moments.empty()) find_second_moments(layer, wanted.second_moments);
      if (!wanted.projections.empty()) add_projections(layer, wanted);
    }
  }

  void run(const Snapshot<T>& at, Network<T>& network, std::span<double> losses,
           const IndividualSums<T>& wanted) override {
    gradient_.resize(network.layout().size());
    const MatrixView<const T> outputs = network.forward(at.parameters, at.inputs, at.pass);
    const MatrixView<T> slopes = network.output_gradient();
    for (std::size_t i = 0; i < outputs.rows; ++i) {
      Targets<T> target;
      if (at.targets.labels.empty()) {
        const MatrixView<const T> values = at.targets.values;
        target.values = {values.row(i), 1, values.cols, values.stride};
      } else {
        target.labels = at.targets.labels.subspan(i, 1);
      }
      losses[i] = loss_.evaluate({outputs.row(i), 1, outputs.cols, outputs.stride}, target,
                                 {slopes.row(i), 1, slopes.cols, slopes.stride});
    }
    network.backward(at.parameters, at.inputs, gradient_);
    look({.network = network, .parameters = at.parameters, .gradient = gradient_, .rows = at.rows},
         wanted);
  }

 private:
  void add_squares(std::size_t l, const WeightLayer<T>& layer, const IndividualSums<T>& wanted) {
    const MatrixView<const T> a = layer.input();
    const MatrixView<const T> delta = layer.error_signal();
    for (std::size_t i = 0; i < a.rows; ++i) {
      const double of_bias = dot(row(delta, i), row(delta, i));
      weights_[i] = dot(row(a, i), row(a, i)) * of_bias;
      if (!wanted.squares.empty()) wanted.squares[i] += weights_[i] + of_bias;
    }
    if (wanted.layer_squares.empty()) return;
    wanted.layer_squares[l] = sum_of(a.rows, [this](std::size_t i) { return weights_[i]; });
  }

  // In double, where the square of a float is exact and never too small.
  void find_second_moments(const WeightLayer<T>& layer, std::span<double> moments) {
    if (squared_inputs_.empty()) {
      squared_inputs_ = Buffer<double>(batch_, Shape::vector(most_inputs_));
      squared_slopes_ = Buffer<double>(batch_, Shape::vector(most_units_));
    }
    const MatrixView<const double> inputs = squared(layer.input(), squared_inputs_);
    const MatrixView<const double> slopes = squared(layer.error_signal(), squared_slopes_);
    const ParameterTensor& weight = layer.weight();
    const double share = 1 / static_cast<double>(inputs.rows);
    multiply(
        transposed<double>(slopes), as_is<double>(inputs),
        MatrixView<double>{moments.data() + weight.offset, weight.rows, weight.cols, weight.cols},
        {}, share);
    column_sums(slopes, share, moments.subspan(layer.bias().offset, layer.bias().rows));
  }
  static MatrixView<const double> squared(MatrixView<const T> matrix, Buffer<double>& buffer) {
    MatrixView<double> to = buffer.first_rows(matrix.rows);
    to.cols = matrix.cols;
    for (std::size_t i = 0; i < matrix.rows; ++i) {
      std::transform(matrix.row(i), matrix.row(i) + matrix.cols, to.row(i), [](T value) {
        return static_cast<double>(value) * static_cast<double>(value);
      });
    }
    return to;
  }

  void add_projections(const WeightLayer<T>& layer, const IndividualSums<T>& wanted) {
    if (sums_.empty()) sums_ = Buffer<T>(batch_, Shape::vector(most_units_));
    const MatrixView<const T> delta = layer.error_signal();
    const ParameterTensor& weight = layer.weight();
    const MatrixView<const T> direction{wanted.direction.data() + weight.offset, weight.rows,
                                        weight.cols, weight.cols};
    MatrixView<T> sums = sums_.first_rows(delta.rows);
    sums.cols = delta.cols;
    multiply(as_is<T>(layer.input()), transposed<T>(direction), sums,
             Start<T>(wanted.direction.data() + layer.bias().offset));
    for (std::size_t i = 0; i < delta.rows; ++i) {
      wanted.projections[i] += dot(row(delta, i), row<T>(sums, i));
    }
  }

  const Loss& loss_;
  std::size_t batch_;
  std::size_t most_units_;
  std::size_t most_inputs_;
  std::vector<double> weights_;  // |dL_i/dW|^2 of one layer
  std::vector<T> gradient_;      // of run()
  // These are made where they are first wanted.
  Buffer<T> sums_;
  Buffer<double> squared_inputs_;
  Buffer<double> squared_slopes_;
};

template <typename T>
class OneByOne final : public IndividualGradients<T> {
 public:
  explicit OneByOne(const ProbedRun& run)
      : loss_(run.loss),
        steps_(run.input.steps),
        network_(run.model, run.input, run.outputs, 1),
        gradient_(run.layout.size()),
        of_layers_(run.layers),
        inputs_(steps_, run.input),
        labels_(steps_) {}

  void look(const Snapshot<T>& at, const IndividualSums<T>& wanted) override {
    run(at, {}, wanted);
  }
  void run(const Snapshot<T>& at, Network<T>& /*network*/, std::span<double> losses,
           const IndividualSums<T>& wanted) override {
    run(at, losses, wanted);
  }

 private:
  void run(const Snapshot<T>& at, std::span<double> losses, const IndividualSums<T>& wanted) {
    std::ranges::fill(wanted.layer_squares, 0.0);
    std::ranges::fill(wanted.second_moments, 0.0);
    for (std::size_t i = 0; i < at.rows; ++i) {
      const double loss = pass(at, i);
      const std::span<const T> g = gradient_;
      if (!losses.empty()) losses[i] = loss;
      if (!wanted.squares.empty()) wanted.squares[i] = dot(g, g);
      if (!wanted.projections.empty()) wanted.projections[i] = dot(g, wanted.direction);
      if (!wanted.layer_squares.empty()) {
        for_each_weight(network_, of_layers_, [&](const ParameterTensor& weight) {
          return dot(part_of(g, weight), part_of(g, weight));
        });
        std::ranges::transform(of_layers_, wanted.layer_squares, wanted.layer_squares.begin(),
                               std::plus<>());
      }
      const auto count = static_cast<double>(at.rows);
      std::transform(wanted.second_moments.begin(), wanted.second_moments.end(), g.begin(),
                     wanted.second_moments.begin(), [count](double sum, T value) {
                       return sum + static_cast<double>(value) * static_cast<double>(value) / count;
                     });
    }
  }

  // Forward and back over example i, which leaves its gradient; returns its loss. Row t B + i of a batch
  // is step t of the example.
  double pass(const Snapshot<T>& at, std::size_t i) {
    const MatrixView<T> inputs = inputs_.first_rows(steps_);
    for (std::size_t t = 0; t < steps_; ++t) {
      std::copy_n(at.inputs.row(t * at.rows + i), inputs.cols, inputs.row(t));
    }
    const MatrixView<const T> outputs = network_.forward(at.parameters, inputs, at.pass);
    Targets<T> targets;
    if (at.targets.labels.empty()) {
      const MatrixView<const T> values = at.targets.values;
      targets.values = {values.row(i), outputs.rows, values.cols, values.stride * at.rows};
    } else {
      for (std::size_t t = 0; t < outputs.rows; ++t) {
        labels_[t] = at.targets.labels[t * at.rows + i];
      }
      targets.labels = std::span<const std::int32_t>(labels_).first(outputs.rows);
    }
    const double loss = loss_.evaluate(outputs, targets, network_.output_gradient());
    network_.backward(at.parameters, inputs, gradient_);
    return loss / static_cast<double>(outputs.rows);
  }

  const Loss& loss_;
  std::size_t steps_;
  Network<T> network_;  // for one example
  std::vector<T> gradient_;
  std::vector<double> of_layers_;
  Buffer<T> inputs_;
  std::vector<std::int32_t> labels_;
};

}  // namespace

std::string problem_of_individual_gradients(const ProbedRun& run) {
  if (run.batch < 2) return "gradients of one example do not vary";
  const StackKind layers = run.model.layers(run.outputs);
  if (layers.keeps_statistics()) {
    return "batch_norm makes the gradients of single examples depend on each other";
  }
  const bool has_noise =
      std::ranges::any_of(layers.kinds(), [](const auto& kind) { return draws_noise(*kind); });
  if (has_noise && !is_by_rows(run)) {
    return "an example by itself would not get the noise of dropout that it has in its batch, and "
           "the "
           "gradients of single examples follow from those of a batch in dense layers alone";
  }
  return {};
}

double memory_of_individual_gradients(const ProbedRun& run, const IndividualNeeds& needs) {
  const auto batch = static_cast<double>(run.batch);
  const auto stride = [](std::size_t cols) {
    return static_cast<double>(std::max(padded_stride<float>(cols), padded_stride<double>(cols)));
  };
  if (!is_by_rows(run)) {
    const auto steps = static_cast<double>(run.input.steps);
    const double kept = run.model.layers(run.outputs).kept_values(run.input) +
                        packed_values(run.layout) + steps * stride(run.input.values());
    return run.block_bytes() + run.value_bytes() * kept +
           static_cast<double>(sizeof(double) * run.layers) + sizeof(std::int32_t) * steps;
  }
  double bytes = sizeof(double) * batch + (needs.runs ? run.block_bytes() : 0);
  if (needs.projections) bytes += run.value_bytes() * batch * stride(most_units(run));
  if (needs.second_moments) {
    bytes += sizeof(double) * batch * (stride(most_units(run)) + stride(most_inputs(run)));
  }
  return bytes;
}

// By itself an example has no large products: they take some twice the time, and where it has one row for each
// product, three looks at the parameters; a fourth is at its gradient.
double cost_of_individual_gradients(const ProbedRun& run, const IndividualNeeds& needs) {
  const auto batch = static_cast<double>(run.batch);
  if (!is_by_rows(run)) {
    constexpr double kLooks = 4;
    return 2 * run.gradient_cost(batch) +
           kLooks * batch * ProbedRun::look_cost(static_cast<double>(run.layout.size()));
  }
  const double product = run.forward_cost(batch);
  return run.look_cost() + (needs.runs ? run.gradient_cost(batch) : 0) +
         (needs.projections ? product : 0) +
         (needs.second_moments ? run.double_cost() * product : 0);
}

template <typename T>
std::unique_ptr<IndividualGradients<T>> individual_gradients(const ProbedRun& run) {
  if (is_by_rows(run)) return std::make_unique<ByRows<T>>(run);
  return std::make_unique<OneByOne<T>>(run);
}

template std::unique_ptr<IndividualGradients<float>> individual_gradients(const ProbedRun&);
template std::unique_ptr<IndividualGradients<double>> individual_gradients(const ProbedRun&);

}  // namespace plumbline
