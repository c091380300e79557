// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <limits>
#include <vector>

#include "engine/core/matrix_view.hpp"
#include "engine/kernels/gemm.hpp"
#include "engine/kernels/reduce.hpp"
#include "engine/probes/layer_probe.hpp"

namespace plumbline::probes {

namespace {

// |dL/dW_l|, Frobenius, of the batch mean L of the loss; biases not included. It may look flat over
// the layers while the error signal vanishes: activations shrink forward as errors shrink backward
// (Glorot and Bengio 2010, equation 14). Of an unrolled layer each step counts as a layer.
class GradientNorm {
 public:
  template <typename T>
  double measure(const Snapshot<T>& snapshot, const WeightLayer<T>& layer) const {
    if (layer.is_shared()) return norm_of_its_own(snapshot.network, layer);
    return norm(snapshot.gradient.subspan(layer.weight().offset, layer.weight().size()));
  }

 private:
  // As though the weights of this step were its own: dL/dW_t = sum over examples of delta_t^T h_{t-1} over
  // the number of targets. Undefined at the first step, whose state before is 0.
  template <typename T>
  static double norm_of_its_own(const Network<T>& network, const WeightLayer<T>& layer) {
    if (norm(layer.input()) == 0) return std::numeric_limits<double>::quiet_NaN();
    const MatrixView<const T> delta = layer.error_signal();
    const std::size_t targets = network.layer(network.depth() - 1).output().rows;
    const std::size_t rows = layer.weight().rows;
    const std::size_t cols = layer.weight().cols;
    thread_local std::vector<T> memory;  // of all steps and layers, until the thread's end
    if (memory.size() < rows * cols) memory.resize(rows * cols);
    multiply(transposed<T>(delta), as_is<T>(layer.input()),
             MatrixView<T>{memory.data(), rows, cols, cols}, {}, T(1) / static_cast<T>(targets));
    return norm(MatrixView<const T>{memory.data(), rows, cols, cols});
  }
};

}  // namespace

ProbeEntry gradient_norm() {
  return layer_probe<GradientNorm>({
      .summary = "Frobenius norm of dL/dW_l, L the batch mean of the loss.",
      .formula = "|dL/dW_l|_F",
      .paper = "Glorot & Bengio, Understanding the difficulty of training deep feedforward neural "
               "networks, AISTATS 2010",
  });
}

}  // namespace plumbline::probes
