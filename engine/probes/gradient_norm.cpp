// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/reduce.hpp"
#include "engine/probes/layer_probe.hpp"

namespace plumbline::probes {

namespace {

// |dL/dW_l|, Frobenius, of the batch mean L of the loss; biases not included. It may look flat over
// the layers while the error signal vanishes: activations shrink forward as errors shrink backward
// (Glorot and Bengio 2010, equation 14).
class GradientNorm {
 public:
  template <typename T>
  double measure(const Snapshot<T>& snapshot, const Layer<T>& layer) const {
    return norm(snapshot.gradient.subspan(layer.weight().offset, layer.weight().size()));
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
