// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "engine/kernels/sum.hpp"
#include "engine/probes/simple_probe.hpp"
#include "engine/probes/unit_slopes.hpp"
#include "engine/probes/weight_tensors.hpp"

namespace plumbline::probes {

namespace {

// chi_l = n_l mean(W_{l+1}^2) mean(phi'(z_l)^2): theory's factor of |delta|^2 from layer l + 1 to layer l,
// sigma_w^2 E[phi'(z)^2], with the weights and the pre-activations that the net has in the place of a
// Gaussian's. The means are over all n_l inputs and all units, and over the units and the examples of the
// batch. NaN for the last layer, above which is none. One pass over the weights and two over the slopes.
template <typename T>
class MeasuredChi final : public Probe<T> {
 public:
  explicit MeasuredChi(const ProbedRun& run) : slopes_(run.model) {}

  static constexpr ProbeCalls kCalls{.before_update = true};
  static std::vector<Quantity> quantities() {
    return {{"measured_chi",
             "n_l mean(W_{l+1}^2) mean(phi'(z_l)^2), which mean-field theory calls chi."}};
  }
  static std::string undefined(const ProbedRun& run) {
    if (run.model.kind == "cnn")
      return "pools and the edges of images change the factor of a layer";
    return UnitSlopes<T>::undefined(run);
  }
  static double memory(const ProbedRun& run) { return UnitSlopes<T>::memory(run); }

  void before_update(const Snapshot<T>& at, const Readings& values) override {
    const std::size_t depth = at.network.depth();
    for (std::size_t l = 0; l + 1 < depth; ++l) {
      const ParameterTensor& above = at.network.layer(l + 1).weight();
      const std::span<const T> weights = part_of(at.parameters, above);
      // Of fan-in n_l: the sum over the weights over the number of units.
      const double variance = dot(weights, weights) / static_cast<double>(above.rows);
      const MatrixView<const T> slopes = slopes_.of(at.network, l);
      PartialSums squares;
      for (std::size_t i = 0; i < slopes.rows; ++i) {
        const T* const row = slopes.row(i);
        squares.add(slopes.cols, [row](std::size_t j) {
          return static_cast<double>(row[j]) * static_cast<double>(row[j]);
        });
      }
      values[0][l] = variance * squares.total() / static_cast<double>(slopes.rows * slopes.cols);
    }
    values[0][depth - 1] = std::numeric_limits<double>::quiet_NaN();
  }

 private:
  UnitSlopes<T> slopes_;
};

}  // namespace

ProbeEntry measured_chi() {
  return simple_probe<MeasuredChi>({
      .summary = "The factor by which the squared error signal should fall at each layer, from the "
                 "actual weights and slopes.",
      .formula = "chi_l = n_l mean(W_{l+1}^2) mean(phi'(z_l)^2)",
      .paper = "Schoenholz, Gilmer, Ganguli & Sohl-Dickstein, Deep information propagation, ICLR "
               "2017, arXiv:1611.01232",
  });
}

}  // namespace plumbline::probes
