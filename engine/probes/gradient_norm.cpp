// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <limits>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/probes/layer_gradient.hpp"
#include "engine/probes/simple_probe.hpp"

namespace plumbline::probes {

namespace {

// |dL/dW_l|, Frobenius, of the batch mean L of the loss; biases not included. It may look flat over
// the layers while the error signal vanishes: activations shrink forward as errors shrink backward
// (Glorot and Bengio 2010, equation 14). Of an unrolled layer each step counts as a layer.
template <typename T>
class GradientNorm final : public Probe<T> {
 public:
  explicit GradientNorm(const ProbedRun& run) : gradient_(run) {}

  static constexpr ProbeCalls kCalls{.before_update = true};
  static std::vector<Quantity> quantities() {
    return {{"gradient_norm", "Frobenius norm of dL/dW_l, L the batch mean of the loss."}};
  }
  static double memory(const ProbedRun& run) { return LayerGradient<T>::memory(run); }
  static double cost(const ProbedRun& run) { return run.look_cost() + LayerGradient<T>::cost(run); }

  void before_update(const Snapshot<T>& at, const Readings& values) override {
    for (std::size_t l = 0; l < at.network.depth(); ++l) {
      const MatrixView<const T> gradient = gradient_.of(at, l);
      values[0][l] = gradient.empty() ? std::numeric_limits<double>::quiet_NaN() : norm(gradient);
    }
  }

 private:
  LayerGradient<T> gradient_;
};

}  // namespace

ProbeEntry gradient_norm() {
  return simple_probe<GradientNorm>({
      .summary = "Frobenius norm of dL/dW_l, L the batch mean of the loss.",
      .formula = "|dL/dW_l|_F",
      .paper = "Glorot & Bengio, Understanding the difficulty of training deep feedforward neural "
               "networks, AISTATS 2010",
  });
}

}  // namespace plumbline::probes
