// SPDX-License-Identifier: Apache-2.0
#include <cfloat>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "engine/kernels/sum.hpp"
#include "engine/probes/individual_gradients.hpp"
#include "engine/probes/simple_probe.hpp"
#include "engine/probes/weight_tensors.hpp"

namespace plumbline::probes {

namespace {

// Of gradients g_i with the mean G and the covariance Sigma over all examples there might be, of which the batch is
// a sample; of the training set's own gradient the square is larger by tr(Sigma) / N. With g their mean over the
// B examples of the batch, and m that of |g_i|^2, E m = |G|^2 + tr(Sigma) and E |g|^2 = |G|^2 + tr(Sigma) / B,
// so that
//   tr(Sigma) ~ B / (B - 1) (m - |g|^2),  |G|^2 ~ (B |g|^2 - m) / (B - 1)
// without bias: McCandlish et al. 2018, appendix A.1, with the batches 1 and B. These are the means of
// |g_i - g_k|^2 / 2 and of g_i.g_k over all pairs of examples.
struct Moments {
  double variance = 0;  // tr(Sigma)
  double square = 0;    // |G|^2

  Moments(double sum_of_squares, double square_of_mean, std::size_t examples) {
    const auto batch = static_cast<double>(examples);
    variance = (sum_of_squares - batch * square_of_mean) / (batch - 1);
    square = (batch * square_of_mean - sum_of_squares / batch) / (batch - 1);
  }
  // Squares below the least normal number have lost digits.
  double noise_scale() const {
    return square >= DBL_MIN ? variance / square : std::numeric_limits<double>::quiet_NaN();
  }
};

// The simple noise scale tr(Sigma) / |G|^2: the batch from which on larger ones no longer save as many steps
// as they cost examples. The ratio of two estimates has a bias, and one batch can have |G|^2 below 0 where B is
// far below the noise scale: then it is NaN. So the two estimates are values of their own, which can be
// averaged over steps or seeds before they are divided. Two norms a row and layer where each example is a row;
// else a pass for each example (individual_gradients.hpp).
template <typename T>
class NoiseScale final : public Probe<T> {
 public:
  explicit NoiseScale(const ProbedRun& run)
      : gradients_(individual_gradients<T>(run)), squares_(run.batch), layer_squares_(run.layers) {}

  static constexpr ProbeCalls kCalls{.before_update = true};
  static std::vector<Quantity> quantities() {
    return {
        {"noise_scale",
         "tr(Sigma) / |G|^2 of the gradient in all parameters; NaN where |G|^2 is not found to be "
         "positive.",
         "1", QuantityAxis::none},
        {"gradient_variance",
         "tr(Sigma), the variance of single examples' gradients summed over all parameters, "
         "estimated without bias.",
         "1", QuantityAxis::none},
        {"gradient_square",
         "|G|^2, the square of the gradient over all examples there might be, estimated without "
         "bias from the batch.",
         "1", QuantityAxis::none},
        {"layer_noise_scale",
         "tr(Sigma) / |G|^2 of dL/dW_l; of an unrolled layer that of all steps."}};
  }
  static std::string undefined(const ProbedRun& run) {
    return problem_of_individual_gradients(run);
  }
  static double memory(const ProbedRun& run) {
    return memory_of_individual_gradients(run, {}) +
           static_cast<double>(sizeof(double) * run.batch);
  }
  static double cost(const ProbedRun& run) { return cost_of_individual_gradients(run, {}); }

  void before_update(const Snapshot<T>& at, const Readings& values) override {
    gradients_->look(at, {.squares = squares_, .layer_squares = layer_squares_});
    const Moments all(sum_of(at.rows, [this](std::size_t i) { return squares_[i]; }),
                      dot(at.gradient, at.gradient), at.rows);
    values[0][0] = all.noise_scale();
    values[1][0] = all.variance;
    values[2][0] = all.square;
    std::size_t l = 0;
    for (double& value : values[3]) {
      const std::span<const T> gradient = part_of(at.gradient, at.network.layer(l).weight());
      value = Moments(layer_squares_[l], dot(gradient, gradient), at.rows).noise_scale();
      ++l;
    }
  }

 private:
  std::unique_ptr<IndividualGradients<T>> gradients_;
  std::vector<double> squares_;
  std::vector<double> layer_squares_;
};

}  // namespace

ProbeEntry noise_scale() {
  return simple_probe<NoiseScale>({
      .summary = "The simple gradient noise scale: about the batch beyond which more examples save "
                 "few steps.",
      .formula =
          "tr(Sigma) / |G|^2, tr(Sigma) = (sum_i |g_i|^2 - B |g|^2) / (B - 1), |G|^2 = |g|^2 - "
          "tr(Sigma) / B",
      .paper = "McCandlish, Kaplan, Amodei & OpenAI Dota Team, An empirical model of large-batch "
               "training, 2018, arXiv:1812.06162",
  });
}

}  // namespace plumbline::probes
