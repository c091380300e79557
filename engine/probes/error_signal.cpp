// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/kernels/reduce.hpp"
#include "engine/probes/layer_probe.hpp"

namespace plumbline::probes {

namespace {

// sqrt((1/B) sum_i |dL_i/dz_l|^2) over the B examples of the batch, L_i the loss of one example: what
// back-propagation carries, and what mean-field theory predicts. Under fan-in scaling its square
// falls by chi a layer at any widths.
class ErrorSignal {
 public:
  template <typename T>
  double measure(const Snapshot<T>& snapshot, const WeightLayer<T>& layer) const {
    return norm(layer.error_signal()) / std::sqrt(static_cast<double>(snapshot.rows));
  }
};

}  // namespace

ProbeEntry error_signal() {
  return layer_probe<ErrorSignal>({
      .summary = "Root of the batch mean of |dL_i/dz_l|^2, L_i the loss of one example.",
      .formula = "sqrt((1/B) sum_i |dL_i/dz_l|^2)",
      .paper = "Schoenholz, Gilmer, Ganguli & Sohl-Dickstein, Deep information propagation, ICLR "
               "2017, arXiv:1611.01232; Glorot & Bengio, AISTATS 2010",
  });
}

}  // namespace plumbline::probes
