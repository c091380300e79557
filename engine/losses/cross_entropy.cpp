// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "engine/losses/example_loss.hpp"

namespace plumbline::losses {

namespace {

// L_i = -ln p_t for the label t, with p = softmax(y); dL_i/dy_j = p_j - [j = t].
// With m the largest output, at index k: ln p_t = (y_t - m) - ln(1 + r), r = sum over j != k of
// e^(y_j - m). No exponential overflows, and log1p keeps the digits of a loss near 0. A NaN among the
// outputs gives NaN.
class CrossEntropy {
 public:
  static constexpr bool kNeedsLabels = true;

  explicit CrossEntropy(Settings& /*settings*/) {}

  template <typename T>
  double with_label(std::span<const T> y, std::size_t label, std::span<T> slope) const {
    const auto most = std::ranges::max_element(y);
    const T largest = *most;
    T rest = 0;
    for (auto value = y.begin(); value != y.end(); ++value) {
      if (value != most) rest += std::exp(*value - largest);
    }
    if (!slope.empty()) {
      for (std::size_t j = 0; j < y.size(); ++j) slope[j] = std::exp(y[j] - largest) / (1 + rest);
      // 1 - p_t by the other terms: where p_t is near 1, the subtraction would lose all digits.
      T others = 0;
      for (std::size_t j = 0; j < y.size(); ++j) others += j == label ? T(0) : slope[j];
      slope[label] = -others;
    }
    return static_cast<double>(std::log1p(rest) - (y[label] - largest));
  }
};

}  // namespace

LossEntry cross_entropy() {
  return example_loss<CrossEntropy>({
      .summary = "The negative log-likelihood of the label under a softmax of the outputs.",
      .formula = "L = -ln softmax(y)_t; dL/dy_j = softmax(y)_j - [j = t]",
      .paper =
          "Bridle, Probabilistic interpretation of feedforward classification network outputs, "
          "in Neurocomputing, 1990, doi:10.1007/978-3-642-76153-9_28",
  });
}

}  // namespace plumbline::losses
