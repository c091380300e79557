// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/layers/recurrent_layer.hpp"
#include "engine/probes/probe.hpp"

namespace plumbline::probes {

namespace {

// sqrt((1/B) sum_i |dL_i/dh_{T-k}|^2) at lag k, L_i the loss at the last step T: how much of the slope there
// comes to the state k steps before, in the topmost recurrent layer. For h = W h it falls by
// |W^T u| / |u| a step, exactly by rho where W is rho times an orthogonal matrix. Of every kind of cell it
// is the slope in its output h, so that kinds compare; an LSTM also carries slopes in its cell. Where
// `truncate` cuts, it is 0 beyond the cut. One pass over the slopes that the step has left. Where each step has a
// target, these are sums over all later ones, and the last one's alone take a forward and a backward pass.
template <typename T>
class StateGradient final : public Probe<T> {
 public:
  explicit StateGradient(const ProbedRun& run)
      : gradient_(run.model.targets_each_step ? run.layout.size() : 0) {}

  void before_update(const Snapshot<T>& at, const Readings& values) override {
    read(at.network, at.rows, values[0]);
  }

  void running_net(const Snapshot<T>& at, const RunningNet<T>& net,
                   const Readings& values) override {
    const MatrixView<const T> outputs = net.network.forward(at.parameters, at.inputs, at.pass);
    const MatrixView<T> slopes = net.network.output_gradient();
    net.loss.evaluate(outputs, at.targets, slopes);
    for (std::size_t i = 0; i + at.rows < slopes.rows; ++i) {
      std::fill_n(slopes.row(i), slopes.cols, T(0));
    }
    net.network.backward(at.parameters, at.inputs, gradient_);
    read(net.network, at.rows, values[0]);
  }

 private:
  static void read(const Network<T>& network, std::size_t rows, std::span<double> values) {
    const double examples = std::sqrt(static_cast<double>(rows));
    std::size_t lag = 0;
    std::size_t offset = 0;  // of the weights of the topmost one
    for (std::size_t l = network.depth(); l-- > 0 && lag < values.size();) {
      const auto* step = dynamic_cast<const UnrolledStep<T>*>(&network.layer(l));
      if (step == nullptr) continue;
      if (lag == 0) offset = step->weight().offset;
      if (step->weight().offset != offset) return;
      values[lag++] = norm(step->state_slopes) / examples;
    }
  }

  std::vector<T> gradient_;  // that backward() writes and nobody reads
};

class StateGradientKind final : public ProbeKindOf<StateGradientKind> {
 public:
  explicit StateGradientKind(Settings& /*settings*/) {}

  std::vector<Quantity> quantities() const override {
    return {{"state_gradient",
             "Root of the batch mean of |dL_i/dh_{T-lag}|^2, h the state of the last recurrent "
             "layer and "
             "L_i the loss at the last step.",
             "1", QuantityAxis::lag}};
  }
  ProbeCalls calls(const ProbedRun& run) const override {
    const bool each = run.model.targets_each_step;
    return {.before_update = !each, .running_net = each};
  }
  std::string undefined(std::size_t /*quantity*/, const ProbedRun& run) const override {
    const bool is_recurrent = std::ranges::any_of(
        run.layout.tensors(),
        [](const ParameterTensor& tensor) { return tensor.group == ParameterGroup::recurrent; });
    return is_recurrent ? "" : "no layer of the model is recurrent";
  }
  double memory(const ProbedRun& run) const override {
    return run.model.targets_each_step ? run.block_bytes() : 0;
  }
  double cost(const ProbedRun& run) const override {
    const bool each = run.model.targets_each_step;
    return run.look_cost() + (each ? run.gradient_cost(static_cast<double>(run.batch)) : 0);
  }
  template <typename T>
  std::unique_ptr<Probe<T>> make(const ProbedRun& run) const {
    return std::make_unique<StateGradient<T>>(run);
  }
};

}  // namespace

ProbeEntry state_gradient() {
  return probe_entry<StateGradientKind>({
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
