// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/losses/outputwise_loss.hpp"

namespace plumbline::losses {

namespace {

// L_i = (1/m) sum_j |y_j - t_j| over the m outputs of example i; dL_i/dy_j = sign(y_j - t_j) / m, 0
// where they are equal. Its curvature is zero on either side of the kink. L_i = -ln p for t_j of
// Laplace's distribution around y_j with scale m, up to a constant.
class MeanAbsoluteError {
 public:
  static constexpr bool kMean = true;

  explicit MeanAbsoluteError(Settings& /*settings*/) {}

  template <typename T>
  double value(T y, T t) const {
    return std::abs(static_cast<double>(y - t));
  }
  template <typename T>
  T slope(T y, T t) const {
    const T error = y - t;
    if (error > 0) return 1;
    return error < 0 ? T(-1) : error;  // 0, or NaN
  }
  template <typename T>
  T curvature(T /*y*/, T /*t*/) const {
    return 0;
  }
  // By inversion: |t - y| is exponential, and its sign the half of [0, 1) that u falls in.
  double drawn(double y, double scale, Random& random) const {
    const double u = random.uniform();
    const double distance = -std::log(u < 0.5 ? 1 - 2 * u : 2 - 2 * u) / scale;
    return u < 0.5 ? y - distance : y + distance;
  }
  double distance_to_kink(double y, double t) const { return std::abs(y - t); }
};

}  // namespace

LossEntry mean_absolute_error() {
  return outputwise_loss<MeanAbsoluteError>({
      .summary = "The mean over outputs of the absolute error; a label stands for its one-hot row.",
      .formula = "L = (1/m) sum_j |y_j - t_j|; dL/dy_j = sign(y_j - t_j) / m",
      .paper = "Laplace, Memoire sur la probabilite des causes par les evenements, Memoires de "
               "l'Academie royale des sciences de Paris 6, 1774",
  });
}

}  // namespace plumbline::losses
