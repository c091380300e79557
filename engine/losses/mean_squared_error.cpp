// SPDX-License-Identifier: Apache-2.0
#include "engine/losses/example_loss.hpp"

namespace plumbline::losses {

namespace {

// L_i = (1/m) sum_j (y_j - t_j)^2 over the m outputs of example i; dL_i/dy_j = (2/m)(y_j - t_j).
// The mean over outputs, without the factor 1/2 that some texts have.
class MeanSquaredError {
 public:
  static constexpr bool kNeedsLabels = false;

  explicit MeanSquaredError(Settings& /*settings*/) {}

  template <typename T>
  double with_label(std::span<const T> y, std::size_t label, std::span<T> slope) const {
    return mean(y, slope, [label](std::size_t j) { return j == label ? T(1) : T(0); });
  }
  template <typename T>
  double with_values(std::span<const T> y, std::span<const T> target, std::span<T> slope) const {
    return mean(y, slope, [target](std::size_t j) { return target[j]; });
  }

 private:
  template <typename T, class Target>
  static double mean(std::span<const T> y, std::span<T> slope, const Target& target) {
    const T factor = T(2) / static_cast<T>(y.size());
    double sum = 0;
    for (std::size_t j = 0; j < y.size(); ++j) {
      const T error = y[j] - target(j);
      sum += static_cast<double>(error) * static_cast<double>(error);
      if (!slope.empty()) slope[j] = factor * error;
    }
    return sum / static_cast<double>(y.size());
  }
};

}  // namespace

LossEntry mean_squared_error() {
  return example_loss<MeanSquaredError>({
      .summary = "The mean over outputs of the squared error; a label stands for its one-hot row.",
      .formula = "L = (1/m) sum_j (y_j - t_j)^2; dL/dy_j = (2/m)(y_j - t_j)",
      .paper = "Rumelhart, Hinton & Williams, Learning representations by back-propagating errors, "
               "Nature 323, 1986, doi:10.1038/323533a0 (there the sum, times 1/2)",
  });
}

}  // namespace plumbline::losses
