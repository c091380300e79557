// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/probes/simple_probe.hpp"
#include "engine/probes/weight_tensors.hpp"

namespace plumbline::probes {

namespace {

// |W_l|, Frobenius; biases not included. One pass over the weights.
template <typename T>
class WeightNorm final : public Probe<T> {
 public:
  explicit WeightNorm(const ProbedRun& /*run*/) {}

  static constexpr ProbeCalls kCalls{.before_update = true};
  static std::vector<Quantity> quantities() {
    return {{"weight_norm", "Frobenius norm of the weights W_l."}};
  }

  void before_update(const Snapshot<T>& at, const Readings& values) override {
    for_each_weight(at.network, values[0], [&](const ParameterTensor& weight) {
      return norm(part_of(at.parameters, weight));
    });
  }
};

}  // namespace

ProbeEntry weight_norm() {
  return simple_probe<WeightNorm>({
      .summary = "Frobenius norm of the weights of each layer.",
      .formula = "|W_l|_F",
      .paper =
          "Krogh & Hertz, A simple weight decay can improve generalization, NIPS 1991; Schneider, "
          "Dangel & Hennig, Cockpit: a practical debugging tool for the training of deep neural "
          "networks, NeurIPS 2021, arXiv:2102.06604",
  });
}

}  // namespace plumbline::probes
