// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/layers/recurrent_layer.hpp"
#include "engine/probes/simple_probe.hpp"

namespace plumbline::probes {

namespace {

// sqrt((1/B) sum_i |dL_i/dh_{T-k}|^2) at lag k: how much of the slope at the last step comes to the state k
// steps before, in the topmost recurrent layer, with the target at the last step. For h = W h it falls by
// |W^T u| / |u| a step, exactly by rho where W is rho times an orthogonal matrix. Of every kind of cell it
// is the slope in its output h, so that kinds compare; an LSTM also carries slopes in its cell. Where
// `truncate` cuts, it is 0 beyond the cut. One pass over the slopes.
template <typename T>
class StateGradient final : public Probe<T> {
 public:
  explicit StateGradient(const ProbedRun& /*run*/) {}

  static constexpr ProbeCalls kCalls{.before_update = true};
  static std::vector<Quantity> quantities() {
    return {
        {"state_gradient",
         "Root of the batch mean of |dL_i/dh_{T-lag}|^2, h the state of the last recurrent layer.",
         "1", QuantityAxis::lag}};
  }
  static std::string undefined(const ProbedRun& run) {
    const bool is_recurrent = std::ranges::any_of(
        run.layout.tensors(),
        [](const ParameterTensor& tensor) { return tensor.group == ParameterGroup::recurrent; });
    if (!is_recurrent) return "no layer of the model is recurrent";
    if (!run.model.targets_each_step) return {};
    return "each step has a target, whose slope adds to those from later ones";
  }

  void before_update(const Snapshot<T>& at, const Readings& values) override {
    const double examples = std::sqrt(static_cast<double>(at.rows));
    std::size_t lag = 0;
    std::size_t offset = 0;  // of the weights of the topmost one
    for (std::size_t l = at.network.depth(); l-- > 0 && lag < values[0].size();) {
      const auto* step = dynamic_cast<const UnrolledStep<T>*>(&at.network.layer(l));
      if (step == nullptr) continue;
      if (lag == 0) offset = step->weight().offset;
      if (step->weight().offset != offset) return;
      values[0][lag++] = norm(step->state_slopes) / examples;
    }
  }
};

}  // namespace

ProbeEntry state_gradient() {
  return simple_probe<StateGradient>({
      .summary = "Length of the slope in a recurrent layer's state against the time lag from the "
                 "last step.",
      .formula = "sqrt((1/B) sum_i |dL_i/dh_{T-lag}|^2)",
      .paper =
          "Pascanu, Mikolov & Bengio, On the difficulty of training recurrent neural networks, "
          "ICML 2013, arXiv:1211.5063; Bengio, Simard & Frasconi, Learning long-term "
          "dependencies with gradient descent is difficult, IEEE Transactions on Neural Networks "
          "5, 1994",
  });
}

}  // namespace plumbline::probes
