// SPDX-License-Identifier: Apache-2.0
#include <cfloat>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/kernels/sum.hpp"
#include "engine/probes/individual_gradients.hpp"
#include "engine/probes/simple_probe.hpp"
#include "engine/probes/weight_tensors.hpp"

namespace plumbline::probes {

namespace {

// r_j = g_j^2 / ((1/B) sum_i g_ij^2 - g_j^2) for each parameter j, and its mean over all of them and over the
// weights of each layer. Of independent noise alone r_j is about 1/B. Cockpit adds 1e-5 to the denominator,
// which hides gradients that have vanished; here a parameter that no example moves is left out of the mean,
// and no variance counts as less than what rounding makes of it, B epsilon times the mean of the g_ij^2, with
// the epsilon of the run's precision. NaN where all are left out. Keeps a block of double. Where each example
// is a row, a product in double a layer; else a pass for each example (individual_gradients.hpp).
template <typename T>
class Gsnr final : public Probe<T> {
 public:
  explicit Gsnr(const ProbedRun& run)
      : gradients_(individual_gradients<T>(run)), moments_(run.layout.size()) {}

  static constexpr ProbeCalls kCalls{.before_update = true};
  static std::vector<Quantity> quantities() {
    return {
        {"gsnr", "Mean over all parameters of g_j^2 / Var_i(g_ij).", "1", QuantityAxis::none},
        {"layer_gsnr",
         "Mean over the weights of W_l of g_j^2 / Var_i(g_ij); of an unrolled layer that of all "
         "steps."}};
  }
  static std::string undefined(const ProbedRun& run) {
    return problem_of_individual_gradients(run);
  }
  static double memory(const ProbedRun& run) {
    return memory_of_individual_gradients(run, {.second_moments = true}) +
           static_cast<double>(sizeof(double) * run.layout.size());
  }
  static double cost(const ProbedRun& run) {
    return cost_of_individual_gradients(run, {.second_moments = true});
  }

  void before_update(const Snapshot<T>& at, const Readings& values) override {
    gradients_->look(at, {.second_moments = moments_});
    const double least =
        static_cast<double>(at.rows) * static_cast<double>(std::numeric_limits<T>::epsilon());
    values[0][0] = mean_ratio(at.gradient, moments_, least);
    for_each_weight(at.network, values[1], [&](const ParameterTensor& weight) {
      return mean_ratio(part_of(at.gradient, weight),
                        part_of(std::span<const double>(moments_), weight), least);
    });
  }

 private:
  static double mean_ratio(std::span<const T> gradient, std::span<const double> moments,
                           double least) {
    const auto square = [&](std::size_t j) {
      return static_cast<double>(gradient[j]) * static_cast<double>(gradient[j]);
    };
    // Moments of NaN count, so that they are seen.
    const auto counts = [&](std::size_t j) {
      return !(moments[j] < DBL_MIN) && !(moments[j] - square(j) <= least * moments[j]);
    };
    const double sum = sum_of(gradient.size(), [&](std::size_t j) {
      return counts(j) ? square(j) / (moments[j] - square(j)) : 0;
    });
    return sum / sum_of(gradient.size(), [&](std::size_t j) { return counts(j) ? 1.0 : 0.0; });
  }

  std::unique_ptr<IndividualGradients<T>> gradients_;
  std::vector<double> moments_;
};

}  // namespace

ProbeEntry gsnr() {
  return simple_probe<Gsnr>({
      .summary =
          "Gradient signal-to-noise ratio, the mean over parameters and over those of each layer.",
      .formula = "mean over j of g_j^2 / ((1/B) sum_i g_ij^2 - g_j^2)",
      .paper =
          "Liu, Jiang, Bai, Chen & Wang, Understanding why neural networks generalize well through "
          "GSNR of parameters, ICLR 2020, arXiv:2001.07384; as in Schneider, Dangel & Hennig, "
          "Cockpit, NeurIPS 2021, arXiv:2102.06604",
  });
}

}  // namespace plumbline::probes
