// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "engine/losses/outputwise_loss.hpp"

namespace plumbline::losses {

namespace {

// L_i = -sum_j [t_j ln s(y_j) + (1 - t_j) ln(1 - s(y_j))], s the logistic function: the negative
// log-likelihood of independent Bernoulli targets, outputs being logits. dL_i/dy_j = s(y_j) - t_j.
// The sum over outputs, as for softmax outputs, and not the mean. A label stands for its one-hot row;
// with a single output it is the target itself, 0 or 1.
// ln s is never formed: a term is max(y, 0) - y t + ln(1 + e^-|y|), which cannot overflow, and the
// slope (1 - t) s(y) - t s(-y), which keeps its digits where s(y) is near t = 1.
class BinaryCrossEntropy {
 public:
  static constexpr bool kMean = false;

  explicit BinaryCrossEntropy(Settings& /*settings*/) {}

  template <typename T>
  double value(T y_of, T t_of) const {
    const auto y = static_cast<double>(y_of);
    const auto t = static_cast<double>(t_of);
    return std::max(y, 0.0) - y * t + std::log1p(std::exp(-std::abs(y)));
  }
  template <typename T>
  T slope(T y, T t) const {
    return (1 - t) * logistic(y) - t * logistic(-y);
  }
  template <typename T>
  T curvature(T y, T /*t*/) const {
    return logistic(y) * logistic(-y);
  }
  double drawn(double y, double /*scale*/, Random& random) const {
    return random.uniform() < logistic(y) ? 1 : 0;
  }

 private:
  template <typename T>
  static T logistic(T y) {
    const T small = std::exp(-std::abs(y));
    return (y < 0 ? small : T(1)) / (1 + small);
  }
};

}  // namespace

LossEntry binary_cross_entropy() {
  return outputwise_loss<BinaryCrossEntropy>({
      .summary = "The negative log-likelihood of independent targets in [0, 1], outputs being "
                 "logits; a label stands for its one-hot row, or for itself with a single output.",
      .formula =
          "L = sum_j [max(y_j, 0) - y_j t_j + ln(1 + e^-|y_j|)]; dL/dy_j = sigmoid(y_j) - t_j",
      .paper = "Cox, The regression analysis of binary sequences, Journal of the Royal Statistical "
               "Society B 20, 1958, doi:10.1111/j.2517-6161.1958.tb00292.x",
  });
}

}  // namespace plumbline::losses
