// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/probes/simple_probe.hpp"
#include "engine/probes/weight_tensors.hpp"

namespace plumbline::probes {

namespace {

// |dW_l|, Frobenius, of the update that follows the step: what the optimizer made of the gradient, with
// whatever decay, clipping or rounding there is. Two passes over the weights.
template <typename T>
class UpdateNorm final : public Probe<T> {
 public:
  explicit UpdateNorm(const ProbedRun& run) : difference_(run) {}

  static constexpr ProbeCalls kCalls{.after_update = true};
  static std::vector<Quantity> quantities() {
    return {{"update_norm", "Frobenius norm of the change of W_l by the update after the step."}};
  }
  static double memory(const ProbedRun& run) { return TensorUpdate<T>::memory(run); }

  void after_update(const Update<T>& update, const RunningNet<T>& /*net*/,
                    const Readings& values) override {
    for_each_weight(update.network, values[0], [&](const ParameterTensor& weight) {
      return norm(difference_.of(update, weight));
    });
  }

 private:
  TensorUpdate<T> difference_;
};

}  // namespace

ProbeEntry update_norm() {
  return simple_probe<UpdateNorm>({
      .summary = "Frobenius norm of the update of each layer's weights; NaN at the last step.",
      .formula = "|dW_l|_F, dW_l = W_l(s + 1) - W_l(s)",
      .paper =
          "Schneider, Dangel & Hennig, Cockpit: a practical debugging tool for the training of "
          "deep neural networks, NeurIPS 2021, arXiv:2102.06604",
  });
}

}  // namespace plumbline::probes
