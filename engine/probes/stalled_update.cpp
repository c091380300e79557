// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <vector>

#include "engine/kernels/sum.hpp"
#include "engine/probes/simple_probe.hpp"
#include "engine/probes/weight_tensors.hpp"

namespace plumbline::probes {

namespace {

// The share of the weights w of W_l with fl(w + dw) = w: those that the update after the step left as they
// were, as its step was 0 or too small for the spacing of the run's numbers at w. One pass over the
// weights.
template <typename T>
class StalledUpdate final : public Probe<T> {
 public:
  explicit StalledUpdate(const ProbedRun& /*run*/) {}

  static constexpr ProbeCalls kCalls{.after_update = true};
  static std::vector<Quantity> quantities() {
    return {{"stalled_update",
             "Share of the weights of W_l that the update after the step left as "
             "they were."}};
  }

  void after_update(const Update<T>& update, const RunningNet<T>& /*net*/,
                    const Readings& values) override {
    for_each_weight(update.network, values[0], [&](const ParameterTensor& weight) {
      const std::span<const T> before = part_of(update.before, weight);
      const std::span<const T> after = part_of(update.after, weight);
      return sum_of(weight.size(),
                    [&](std::size_t i) { return before[i] == after[i] ? 1.0 : 0.0; }) /
             static_cast<double>(weight.size());
    });
  }
};

}  // namespace

ProbeEntry stalled_update() {
  return simple_probe<StalledUpdate>({
      .summary = "Share of a layer's weights that an update does not move; NaN at the last step.",
      .formula = "share of w with fl(w + dw) = w",
      .paper = "Gupta, Agrawal, Gopalakrishnan & Narayanan, Deep learning with limited numerical "
               "precision, ICML 2015, arXiv:1502.02551",
  });
}

}  // namespace plumbline::probes
