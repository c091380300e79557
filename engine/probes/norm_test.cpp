// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/kernels/sum.hpp"
#include "engine/probes/individual_gradients.hpp"
#include "engine/probes/simple_probe.hpp"

namespace plumbline::probes {

namespace {

// Three tests of whether a batch is large enough for its gradient g to go down with the loss of all examples,
// each as the least constant with which the batch passes:
//   norm test           theta^2 = 1/(B (B - 1)) sum_i |g_i - g|^2 / |g|^2
//   inner product test  theta^2 = 1/(B (B - 1)) sum_i (g_i.g / |g|^2 - 1)^2
//   orthogonality test  nu^2    = 1/(B (B - 1)) sum_i |g_i - (g_i.g / |g|^2) g|^2 / |g|^2
// By Pythagoras the first square is the sum of the other two. Schemes that adapt B demand theta below 0.5 to
// 0.9 and nu below 5.84. NaN where |g|^2 is less than the least normal number. Where each example is a row, two norms a row and layer, and one
// product a layer; else a pass for each example (individual_gradients.hpp).
template <typename T>
class NormTest final : public Probe<T> {
 public:
  explicit NormTest(const ProbedRun& run)
      : gradients_(individual_gradients<T>(run)), squares_(run.batch), projections_(run.batch) {}

  static constexpr ProbeCalls kCalls{.before_update = true};
  static std::vector<Quantity> quantities() {
    return {
        {"norm_test", "The least theta with which the batch passes the norm test.", "1",
         QuantityAxis::none},
        {"inner_product_test",
         "The least theta with which the batch passes the inner product test.", "1",
         QuantityAxis::none},
        {"orthogonality_test", "The least nu with which the batch passes the orthogonality test.",
         "1", QuantityAxis::none}};
  }
  static std::string undefined(const ProbedRun& run) {
    return problem_of_individual_gradients(run);
  }
  static double memory(const ProbedRun& run) {
    return memory_of_individual_gradients(run, {.projections = true}) +
           static_cast<double>(2 * sizeof(double) * run.batch);
  }
  static double cost(const ProbedRun& run) {
    return cost_of_individual_gradients(run, {.projections = true});
  }

  void before_update(const Snapshot<T>& at, const Readings& values) override {
    gradients_->look(at,
                     {.squares = squares_, .projections = projections_, .direction = at.gradient});
    const double square = dot(at.gradient, at.gradient);
    if (square < DBL_MIN) return;  // the values are NaN
    const auto batch = static_cast<double>(at.rows);
    const double pairs = batch * (batch - 1);
    // Rounding may leave less than nothing of variances of 0; a NaN stays one.
    const auto root = [pairs](double sum) { return std::sqrt((sum < 0 ? 0 : sum) / pairs); };
    const double squares = sum_of(at.rows, [&](std::size_t i) { return squares_[i] / square; });
    const double along = sum_of(at.rows, [&](std::size_t i) {
      const double share = projections_[i] / square;
      return (share - 1) * (share - 1);
    });
    const double across = sum_of(at.rows, [&](std::size_t i) {
      const double share = projections_[i] / square;
      return squares_[i] / square - share * share;
    });
    values[0][0] = root(squares - batch);
    values[1][0] = root(along);
    values[2][0] = root(across);
  }

 private:
  std::unique_ptr<IndividualGradients<T>> gradients_;
  std::vector<double> squares_;
  std::vector<double> projections_;
};

}  // namespace

ProbeEntry norm_test() {
  return simple_probe<NormTest>({
      .summary = "Whether the batch is large enough for its gradient to point down: the norm test, "
                 "the inner product test and the orthogonality test.",
      .formula = "theta^2 = 1/(B (B - 1)) sum_i |g_i - g|^2 / |g|^2",
      .paper =
          "Byrd, Chin, Nocedal & Wu, Sample size selection in optimization methods for machine "
          "learning, Mathematical Programming 134, 2012, doi:10.1007/s10107-012-0572-5; "
          "Bollapragada, "
          "Byrd & Nocedal, Adaptive sampling strategies for stochastic optimization, 2017, "
          "arXiv:1710.11258; as in Schneider, Dangel & Hennig, Cockpit, NeurIPS 2021, "
          "arXiv:2102.06604",
  });
}

}  // namespace plumbline::probes
