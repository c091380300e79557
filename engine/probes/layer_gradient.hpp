// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "engine/core/matrix_view.hpp"
#include "engine/kernels/gemm.hpp"
#include "engine/kernels/reduce.hpp"
#include "engine/probes/probe.hpp"
#include "engine/probes/weight_tensors.hpp"

namespace plumbline {

/// dL/dW_l of the batch mean L of the loss, biases not included. Of an unrolled layer each step has its
/// own, as though its weights were: dL/dW_t = sum over examples of delta_t^T h_{t-1} over the number of
/// targets. It is undefined at the first step, whose state before is 0.
template <typename T>
class LayerGradient {
 public:
  explicit LayerGradient(const ProbedRun& run) : own_(largest_shared(run)) {}

  static double memory(const ProbedRun& run) {
    return run.value_bytes() * static_cast<double>(largest_shared(run));
  }

  /// Operations of making them, which is free but for unrolled layers.
  static double cost(const ProbedRun& run) {
    double weights = 0;
    for (const ParameterTensor& tensor : run.layout.tensors()) {
      if (tensor.group == ParameterGroup::recurrent) weights += static_cast<double>(tensor.size());
    }
    return 2 * weights * static_cast<double>(run.input.steps * run.batch);
  }

  /// All of it, an unrolled step's row by row and any other's as one row, which is how norms sum them;
  /// empty where it is undefined. Holds until the next call.
  MatrixView<const T> of(const Snapshot<T>& at, std::size_t index) {
    const WeightLayer<T>& layer = at.network.layer(index);
    const std::size_t rows = layer.weight().rows;
    const std::size_t cols = layer.weight().cols;
    if (!layer.is_shared()) {
      return {at.gradient.data() + layer.weight().offset, 1, rows * cols, rows * cols};
    }
    if (norm(layer.input()) == 0) return {};
    const std::size_t targets = at.network.layer(at.network.depth() - 1).output().rows;
    const MatrixView<T> own{own_.data(), rows, cols, cols};
    multiply(transposed<T>(layer.error_signal()), as_is<T>(layer.input()), own, {},
             T(1) / static_cast<T>(targets));
    return own;
  }

 private:
  static std::size_t largest_shared(const ProbedRun& run) {
    return largest_layer(run.layout, [](const ParameterTensor& tensor) {
      return tensor.group == ParameterGroup::recurrent;
    });
  }

  std::vector<T> own_;
};

/// sqrt((1/B) sum_i |dL_i/dz_l|^2) over the B examples of the batch, L_i the loss of one example.
template <typename T>
double error_signal_of(const Snapshot<T>& at, std::size_t index) {
  return norm(at.network.layer(index).error_signal()) / std::sqrt(static_cast<double>(at.rows));
}

}  // namespace plumbline
