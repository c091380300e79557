// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstddef>
#include <vector>

#include "engine/probes/layer_gradient.hpp"
#include "engine/probes/simple_probe.hpp"

namespace plumbline::probes {

namespace {

// sqrt((1/B) sum_i |dL_i/dz_l|^2) over the B examples of the batch, L_i the loss of one example: what
// back-propagation carries, and what mean-field theory predicts. Under fan-in scaling its square
// falls by chi a layer at any widths.
template <typename T>
class ErrorSignal final : public Probe<T> {
 public:
  explicit ErrorSignal(const ProbedRun& /*run*/) {}

  static constexpr ProbeCalls kCalls{.before_update = true};
  static std::vector<Quantity> quantities() {
    return {
        {"error_signal", "Root of the batch mean of |dL_i/dz_l|^2, L_i the loss of one example."}};
  }

  void before_update(const Snapshot<T>& at, const Readings& values) override {
    for (std::size_t l = 0; l < at.network.depth(); ++l) values[0][l] = error_signal_of(at, l);
  }
};

}  // namespace

ProbeEntry error_signal() {
  return simple_probe<ErrorSignal>({
      .summary = "Root of the batch mean of |dL_i/dz_l|^2, L_i the loss of one example.",
      .formula = "sqrt((1/B) sum_i |dL_i/dz_l|^2)",
      .paper = "Schoenholz, Gilmer, Ganguli & Sohl-Dickstein, Deep information propagation, ICLR "
               "2017, arXiv:1611.01232; Glorot & Bengio, AISTATS 2010",
  });
}

}  // namespace plumbline::probes
