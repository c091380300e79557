// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "engine/probes/cosine.hpp"
#include "engine/probes/simple_probe.hpp"
#include "engine/probes/weight_tensors.hpp"

namespace plumbline::probes {

namespace {

// arccos of the cosine of dW_l(s), the update after step s, and dW_l(s - 1), from 0 (straight on) to pi
// (back again). NaN at step 0, which has no update before, and where one of the two is 0. Keeps one block;
// three passes over the weights, and one at the step before.
template <typename T>
class UpdateAngle final : public Probe<T> {
 public:
  explicit UpdateAngle(const ProbedRun& run) : difference_(run), previous_(run.layout.size()) {}

  static constexpr ProbeCalls kCalls{.after_update = true, .see_update = true};
  static std::vector<Quantity> quantities() {
    return {{"update_angle",
             "Angle between the update of W_l after the step and the update before it.", "rad"}};
  }
  static double memory(const ProbedRun& run) {
    return TensorUpdate<T>::memory(run) + run.block_bytes();
  }

  void after_update(const Update<T>& update, const RunningNet<T>& /*net*/,
                    const Readings& values) override {
    if (update.step != previous_step_ + 1) return;
    const std::span<const T> previous(previous_);
    for_each_weight(update.network, values[0], [&](const ParameterTensor& weight) {
      return std::acos(
          std::clamp(cosine(difference_.of(update, weight), part_of(previous, weight)), -1.0, 1.0));
    });
  }
  void see_update(const Update<T>& update) override {
    previous_step_ = update.step;
    std::transform(update.after.begin(), update.after.end(), update.before.begin(),
                   previous_.begin(), [](T after, T before) { return after - before; });
  }
  void archive(StateArchive& kept) override { kept(previous_step_, previous_); }

 private:
  TensorUpdate<T> difference_;
  std::vector<T> previous_;
  std::int64_t previous_step_ = -2;  // none
};

}  // namespace

ProbeEntry update_angle() {
  return simple_probe<UpdateAngle>({
      .summary = "Angle between one update of a layer's weights and the next; NaN at the first and "
                 "the last step.",
      .formula = "arccos(dW_l(s) . dW_l(s - 1) / (|dW_l(s)| |dW_l(s - 1)|))",
      .paper =
          "Schneider, Dangel & Hennig, Cockpit: a practical debugging tool for the training of "
          "deep neural networks, NeurIPS 2021, arXiv:2102.06604",
  });
}

}  // namespace plumbline::probes
