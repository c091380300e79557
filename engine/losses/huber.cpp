// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/losses/outputwise_loss.hpp"

namespace plumbline::losses {

namespace {

// L_i = (1/m) sum_j rho(e_j), e_j = y_j - t_j, over the m outputs of example i, with
//   rho(e) = e^2/2 for |e| <= delta, delta (|e| - delta/2) beyond;
//   rho'(e) = e, or delta sign(e) beyond. rho'' = 1, or 0 beyond: it jumps at delta.
// Huber's rho, with his k named delta; not the form that is divided by delta ("smooth L1").
class Huber {
 public:
  static constexpr bool kMean = true;

  explicit Huber(Settings& settings)
      : delta_(settings.number("delta", 1, kPositive,
                               "error up to which the loss is quadratic; beyond it is linear")) {}

  template <typename T>
  double value(T y, T t) const {
    const double size = std::abs(static_cast<double>(y - t));
    return size <= delta_ ? 0.5 * size * size : delta_ * (size - 0.5 * delta_);
  }
  template <typename T>
  T slope(T y, T t) const {
    const T error = y - t;
    const T delta = static_cast<T>(delta_);
    if (error > delta) return delta;
    return error < -delta ? -delta : error;  // a NaN stays
  }
  template <typename T>
  T curvature(T y, T t) const {
    return std::abs(y - t) > static_cast<T>(delta_) ? T(0) : T(1);
  }
  double distance_to_kink(double y, double t) const { return std::abs(std::abs(y - t) - delta_); }

 private:
  double delta_;
};

}  // namespace

LossEntry huber() {
  return outputwise_loss<Huber>({
      .summary =
          "The mean over outputs of an error that counts by its square while it is small and "
          "by its size where it is large; a label stands for its one-hot row.",
      .formula = "L = (1/m) sum_j rho(y_j - t_j); rho(e) = e^2/2 for |e| <= delta, else "
                 "delta (|e| - delta/2)",
      .paper =
          "Huber, Robust estimation of a location parameter, Annals of Mathematical Statistics "
          "35, 1964, doi:10.1214/aoms/1177703732",
  });
}

}  // namespace plumbline::losses
