// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/core/lapack.hpp"
#include "engine/kernels/sum.hpp"
#include "engine/probes/example_jacobians.hpp"
#include "engine/probes/probe.hpp"

namespace plumbline::probes {

namespace {

// For each of these: the mean square, the largest and the smallest of the min(rows, cols) singular values.
enum : std::size_t { kOutput, kLayer, kInput, kJacobians };
constexpr std::size_t kNumbers = 3;

// Singular values s_k of three Jacobians, with y the outputs, which are before a softmax that the loss has:
//   dy/dz_l         of the outputs in the pre-activations of a layer: what carries error signals back to it,
//   da_l/da_{l-1}   of one layer, D_l W_l with D_l the diagonal of phi'(z_l),
//   dy/dx           of the whole net, in a plain stack the product of all D_l W_l.
// Mean square (1/m) sum_k s_k^2 over the m = min(rows, cols) of them, largest and smallest, each in the mean
// over the examples. For layers of one width the mean square of D_l W_l is chi_l of mean-field theory in the
// mean over weights, and near 1 everywhere, largest and smallest too, under dynamical isometry. Pennington,
// Schoenholz & Ganguli 2017; of linear nets Saxe, McClelland & Ganguli 2014.
//
// Of the net as it is used, without noise and with gathered statistics of a normalization, over the first
// examples of the training set, in double for a net of either precision; of a recurrent layer that truncates
// back-propagation as far as that goes. Below 1e-16 of the largest, singular
// values are rounding. Of each example: as many passes forward and back as there are outputs; in plain
// stacks as many through each layer as it has units; and the decompositions, for a layer of n units and
// inputs some 4 n^3 operations.
template <typename T>
class JacobianSpectrum final : public Probe<T> {
 public:
  explicit JacobianSpectrum(const ProbedRun& run)
      : has_layers_(run.model.is_plain_stack()), jacobians_(run) {}

  void running_net(const Snapshot<T>& at, const RunningNet<T>& net,
                   const Readings& values) override {
    jacobians_.move_to(at.parameters, net.network.state());
    const std::size_t depth = net.network.depth();
    for (std::size_t q = 0; q < kJacobians * kNumbers; ++q) std::ranges::fill(values[q], 0.0);
    const std::size_t examples = net.examples.size();
    const double share = 1 / static_cast<double>(examples);
    for (std::size_t example = 0; example < examples; ++example) {
      jacobians_.differentiate(net.examples.inputs(example, 1));
      for (std::size_t l = 0; l < depth; ++l) {
        add(jacobians_.from_layer(l), share, values, kOutput, l);
        if (has_layers_) add(jacobians_.of_layer(l), share, values, kLayer, l);
      }
      add(jacobians_.from_input(), share, values, kInput, 0);
    }
  }

 private:
  void add(MatrixView<const double> jacobian, double share, const Readings& values,
           std::size_t which, std::size_t l) {
    const std::span<const double> s = decomposition_.of(jacobian);
    const double squares = sum_of(s.size(), [&](std::size_t k) { return s[k] * s[k]; });
    const std::size_t first = kNumbers * which;
    values[first][l] += share * squares / static_cast<double>(s.size());
    values[first + 1][l] += share * s.front();
    values[first + 2][l] += share * s.back();
  }

  bool has_layers_;
  ExampleJacobians jacobians_;
  SingularValues decomposition_;
};

class JacobianSpectrumKind final : public ProbeKindOf<JacobianSpectrumKind> {
 public:
  explicit JacobianSpectrumKind(Settings& settings)
      : examples_(static_cast<std::size_t>(settings.integer(
            "examples", 4, between(1, 1e6), "how many, from the first of the training set on"))) {}

  std::vector<Quantity> quantities() const override {
    std::vector<Quantity> all;
    const auto add = [&](const std::string& name, const std::string& of, QuantityAxis axis) {
      all.push_back(
          {name + "_mean_square", "Mean square of the singular values of " + of + ".", "1", axis});
      all.push_back({name + "_max", "Largest singular value of " + of + ".", "1", axis});
      all.push_back({name + "_min", "Smallest singular value of " + of + ".", "1", axis});
    };
    add("output_jacobian", "dy/dz_l, the outputs in a layer's pre-activations",
        QuantityAxis::layer);
    add("layer_jacobian", "da_l/da_{l-1}, a layer's activations in its inputs",
        QuantityAxis::layer);
    add("input_jacobian", "dy/dx, the outputs in the inputs", QuantityAxis::none);
    return all;
  }
  ProbeCalls calls(const ProbedRun& /*run*/) const override {
    return {.running_net = true, .examples = examples_};
  }
  std::string undefined(std::size_t quantity, const ProbedRun& run) const override {
    const std::size_t which = quantity / kNumbers;
    if (which == kLayer && !run.model.is_plain_stack()) {
      return "the Jacobian of one layer is known in plain stacks of dense layers alone";
    }
    return which == kInput && run.input.symbols > 0 ? "symbols have no derivative" : "";
  }
  double memory(const ProbedRun& run) const override {
    SingularValues::Room room;
    const StackKind layers = run.model.layers(run.outputs);
    const std::size_t outputs = layers.output(run.input).size();
    room.count(outputs, run.input.size());
    layers.for_each(run.input, [&](const LayerKind& kind, const Shape& input) {
      room.count(outputs, ExampleJacobians::most_pre_activations(kind, input));
    });
    if (run.model.is_plain_stack()) {
      for (const ParameterTensor& tensor : run.layout.tensors()) {
        room.count(tensor.rows, tensor.cols);
      }
    }
    return room.bytes() + ExampleJacobians::memory(run);
  }
  // As many passes in double as there are outputs, and decompositions of as many rows; in a plain stack as many
  // passes through a layer as it has units, and its own decomposition.
  double cost(const ProbedRun& run) const override {
    const StackKind layers = run.model.layers(run.outputs);
    const std::size_t outputs = layers.output(run.input).size();
    double products = run.gradient_cost(static_cast<double>(outputs));
    double decompositions = SingularValues::cost(outputs, run.input.size());
    layers.for_each(run.input, [&](const LayerKind& kind, const Shape& at) {
      if (kind.products(at) == 0) return;
      decompositions += SingularValues::cost(outputs, kind.output(at).size());
    });
    if (run.model.is_plain_stack()) {
      for (const ParameterTensor& tensor : run.layout.tensors()) {
        if (!tensor.is_weight_matrix()) continue;
        products += 6 * static_cast<double>(tensor.rows * tensor.size());
        decompositions += SingularValues::cost(tensor.rows, tensor.cols);
      }
    }
    return static_cast<double>(std::min(examples_, run.train_examples)) *
           (run.double_cost() * products + decompositions);
  }
  template <typename T>
  std::unique_ptr<Probe<T>> make(const ProbedRun& run) const {
    return std::make_unique<JacobianSpectrum<T>>(run);
  }

 private:
  std::size_t examples_;
};

}  // namespace

ProbeEntry jacobian_spectrum() {
  return probe_entry<JacobianSpectrumKind>({
      .summary = "Singular values of Jacobians: of each layer, of the outputs in each layer's "
                 "pre-activations, and of the outputs in the inputs.",
      .formula =
          "(1/m) sum_k s_k^2, max s_k and min s_k of the m = min(rows, cols) singular values "
          "s_k of dy/dz_l, of da_l/da_{l-1} = D_l W_l and of dy/dx",
      .paper =
          "Pennington, Schoenholz & Ganguli, Resurrecting the sigmoid in deep learning through "
          "dynamical isometry: theory and practice, NIPS 2017, arXiv:1711.04735; Saxe, "
          "McClelland & Ganguli, ICLR 2014, arXiv:1312.6120",
  });
}

}  // namespace plumbline::probes
