// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/probes/cosine.hpp"
#include "engine/probes/simple_probe.hpp"
#include "engine/probes/weight_tensors.hpp"

namespace plumbline::probes {

namespace {

// cos(g_s, g_{s-1}) of the gradients of W_l at one step and the one before, each of its own batch: near 1
// where steps are small and batches large, near -1 where steps jump over a valley. cos(dW_s, -g_s) of the
// update that follows: 1 for plain gradient descent, below for all that bends the gradient. Of unrolled
// layers the gradient is that of all steps together. Keeps one block; three passes over the gradient and
// four over the weights.
template <typename T>
class GradientCosine final : public Probe<T> {
 public:
  explicit GradientCosine(const ProbedRun& run) : difference_(run), previous_(run.layout.size()) {}

  static constexpr ProbeCalls kCalls{
      .before_update = true, .after_update = true, .see_before = true};
  static std::vector<Quantity> quantities() {
    return {{"gradient_cosine", "Cosine of the gradient of W_l and that of the step before."},
            {"descent_cosine",
             "Cosine of the update of W_l after the step and the gradient's opposite."}};
  }
  static double memory(const ProbedRun& run) {
    return TensorUpdate<T>::memory(run) + run.block_bytes();
  }

  void before_update(const Snapshot<T>& at, const Readings& values) override {
    if (at.step != previous_step_ + 1) return;
    const std::span<const T> previous(previous_);
    for_each_weight(at.network, values[0], [&](const ParameterTensor& weight) {
      return cosine(part_of(at.gradient, weight), part_of(previous, weight));
    });
  }
  void after_update(const Update<T>& update, const RunningNet<T>& /*net*/,
                    const Readings& values) override {
    for_each_weight(update.network, values[1], [&](const ParameterTensor& weight) {
      return -cosine(difference_.of(update, weight), part_of(update.gradient, weight));
    });
  }
  void see_before(const Snapshot<T>& at) override {
    previous_step_ = at.step;
    std::ranges::copy(at.gradient, previous_.begin());
  }
  void archive(StateArchive& kept) override { kept(previous_step_, previous_); }

 private:
  TensorUpdate<T> difference_;
  std::vector<T> previous_;
  std::int64_t previous_step_ = -2;  // none
};

}  // namespace

ProbeEntry gradient_cosine() {
  return simple_probe<GradientCosine>({
      .summary = "Cosines of a layer's gradient with the one before, and of its update with the "
                 "direction of steepest descent.",
      .formula = "g_s . g_{s-1} / (|g_s| |g_{s-1}|);  -dW_s . g_s / (|dW_s| |g_s|)",
      .paper =
          "Balduzzi, Frean, Leary, Lewis, Ma & McWilliams, The shattered gradients problem, ICML "
          "2017, arXiv:1702.08591 (gradients of neighbours); Jastrzebski, Kenton, Ballas, Fischer, "
          "Bengio & Storkey, On the relation between the sharpest directions of DNN loss and the "
          "SGD step length, ICLR 2019, arXiv:1807.05031",
  });
}

}  // namespace plumbline::probes
