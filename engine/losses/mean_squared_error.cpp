// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/losses/outputwise_loss.hpp"

namespace plumbline::losses {

namespace {

// L_i = (f/m) sum_j (y_j - t_j)^2 over the m outputs of example i; dL_i/dy_j = (2f/m)(y_j - t_j).
// Texts differ in the factor f: 1 is the mean over outputs, 1/2 takes the 2 out of the slope.
// L_i = -ln p for t_j normal around y_j with variance m/(2f), up to a constant.
class MeanSquaredError {
 public:
  static constexpr bool kMean = true;

  explicit MeanSquaredError(Settings& settings)
      : factor_(settings.number("factor", 1, kPositive,
                                "what the mean of the squared errors is multiplied by; 0.5 is the "
                                "other usual choice")) {}

  template <typename T>
  double value(T y, T t) const {
    const auto error = static_cast<double>(y - t);
    return factor_ * (error * error);
  }
  template <typename T>
  T slope(T y, T t) const {
    return static_cast<T>(2 * factor_) * (y - t);
  }
  template <typename T>
  T curvature(T /*y*/, T /*t*/) const {
    return static_cast<T>(2 * factor_);
  }
  double drawn(double y, double scale, Random& random) const {
    return y + random.normal() / std::sqrt(2 * factor_ * scale);
  }

 private:
  double factor_;
};

}  // namespace

LossEntry mean_squared_error() {
  return outputwise_loss<MeanSquaredError>({
      .summary = "The mean over outputs of the squared error; a label stands for its one-hot row.",
      .formula = "L = (f/m) sum_j (y_j - t_j)^2; dL/dy_j = (2f/m)(y_j - t_j), f the factor",
      .paper = "Rumelhart, Hinton & Williams, Learning representations by back-propagating errors, "
               "Nature 323, 1986, doi:10.1038/323533a0 (there the sum, times 1/2)",
  });
}

}  // namespace plumbline::losses
