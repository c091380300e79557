// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "engine/layers/buffer.hpp"
#include "engine/layers/stack.hpp"
#include "engine/probes/probe.hpp"

namespace plumbline {

/// The Jacobians of the outputs y of one example after another, by back-propagation from each output: a pass
/// over copies of the example, one for each of some outputs, makes as many rows of all of them. In double, by
/// a net of its own at the parameters of the run's, which is as it is used: without noise, and with the
/// statistics that a normalization has gathered, so that an example stands by itself.
class ExampleJacobians {
 public:
  explicit ExampleJacobians(const ProbedRun& run);

  ExampleJacobians(const ExampleJacobians&) = delete;
  ExampleJacobians& operator=(const ExampleJacobians&) = delete;

  static double memory(const ProbedRun& run);
  /// Of what a layer keeps for an example at most a third is z.
  static std::size_t most_pre_activations(const LayerKind& kind, const Shape& input) {
    return static_cast<std::size_t>(kind.kept_values(input) / 3);
  }

  /// `states`: Network::state() of the run's net.
  template <typename T>
  void move_to(std::span<const T> parameters, const std::vector<std::span<T>>& states) {
    std::ranges::copy(parameters, parameters_.begin());
    for (std::size_t i = 0; i < states_.size(); ++i) {
      std::ranges::copy(states[i], states_[i].begin());
    }
  }

  /// Makes the Jacobians of an example whose steps are the rows of `inputs`.
  template <typename T>
  void differentiate(MatrixView<const T> inputs) {
    for (std::size_t step = 0; step < inputs.rows; ++step) {
      std::copy_n(inputs.row(step), inputs.cols, example_.first_rows(inputs.rows).row(step));
    }
    differentiate();
  }

  /// dy/dz_l of weight layer l, and dy/dx: outputs of all steps x values of all steps.
  MatrixView<const double> from_layer(std::size_t l) const { return view(from_layers_[l]); }
  MatrixView<const double> from_input() const { return view(from_input_); }
  /// da_l/da_{l-1} = D_l W_l, a_0 = x, of a model that is_plain_stack(). Holds until the next call.
  MatrixView<const double> of_layer(std::size_t l);

 private:
  struct Jacobian {
    std::vector<double> values;
    std::size_t rows = 0;
    std::size_t cols = 0;

    void resize(std::size_t new_rows, std::size_t new_cols);
  };
  static MatrixView<const double> view(const Jacobian& jacobian) {
    return {jacobian.values.data(), jacobian.rows, jacobian.cols, jacobian.cols};
  }

  void differentiate();
  /// Rows `first` and on of a Jacobian, from what a pass over `count` copies has left.
  void take(MatrixView<const double> pass, std::size_t first, std::size_t count,
            Jacobian& jacobian) const;

  ParameterLayout layout_;
  Shape input_;
  std::size_t outputs_;   // of all steps
  std::size_t together_;  // copies in a pass
  Stack<double> layers_;
  std::vector<const WeightLayer<double>*> weight_layers_;
  std::vector<std::span<double>> states_;
  std::vector<double> parameters_;
  std::vector<double> gradient_;
  Buffer<double> example_;
  Buffer<double> copies_;
  Buffer<double> input_gradient_;
  std::vector<Jacobian> from_layers_;
  Jacobian from_input_;
  std::vector<std::vector<double>> layer_inputs_;  // one row each; of a plain stack alone
  std::vector<double> layer_copies_;
  Jacobian of_layer_;
};

}  // namespace plumbline
