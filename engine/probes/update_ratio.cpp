// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <limits>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/probes/simple_probe.hpp"
#include "engine/probes/weight_tensors.hpp"

namespace plumbline::probes {

namespace {

// |dW_l| / |W_l|, both Frobenius, of the update that follows the step and the weights before it: what You,
// Gitman and Ginsburg's trust ratio holds equal over the layers. NaN for weights that are all 0. Three
// passes over the weights.
template <typename T>
class UpdateRatio final : public Probe<T> {
 public:
  explicit UpdateRatio(const ProbedRun& run) : difference_(run) {}

  static constexpr ProbeCalls kCalls{.after_update = true};
  static std::vector<Quantity> quantities() {
    return {{"update_ratio",
             "|dW_l| / |W_l|, the norm of the update after the step over that of the weights."}};
  }
  static double memory(const ProbedRun& run) { return TensorUpdate<T>::memory(run); }

  void after_update(const Update<T>& update, const RunningNet<T>& /*net*/,
                    const Readings& values) override {
    for_each_weight(update.network, values[0], [&](const ParameterTensor& weight) {
      const double weights = norm(part_of(update.before, weight));
      if (weights == 0) return std::numeric_limits<double>::quiet_NaN();
      return norm(difference_.of(update, weight)) / weights;
    });
  }

 private:
  TensorUpdate<T> difference_;
};

}  // namespace

ProbeEntry update_ratio() {
  return simple_probe<UpdateRatio>({
      .summary = "Norm of the update over the norm of the weights, layer by layer; NaN at the last "
                 "step.",
      .formula = "|dW_l|_F / |W_l|_F, dW_l = W_l(s + 1) - W_l(s)",
      .paper = "You, Gitman & Ginsburg, Large batch training of convolutional networks, 2017, "
               "arXiv:1708.03888",
  });
}

}  // namespace plumbline::probes
