// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "engine/losses/example_loss.hpp"

namespace plumbline::losses {

namespace {

// L_i = -sum_j q_j ln p_j, p = softmax(y), with q_j = (1 - a) [j = t] + a/K for the label t of K
// classes and the smoothing a; dL_i/dy_j = p_j - q_j; H_i = diag(p) - p p^T, whatever q. With a = 0,
// L_i = -ln p_t, the negative log-likelihood of the label; with a > 0 it is none.
// With m the largest output, at index k: ln p_j = (y_j - m) - ln(1 + r), r = sum over j != k of
// e^(y_j - m). No exponential overflows, and log1p keeps the digits of a loss near 0. A NaN among the
// outputs gives NaN.
class CrossEntropy {
 public:
  static constexpr bool kNeedsLabels = true;

  explicit CrossEntropy(Settings& settings)
      : smoothing_(settings.number("label_smoothing", 0, kDecay,
                                   "share of the label's target that goes to all classes alike")) {}

  template <typename T>
  double value(std::span<const T> y, std::size_t label, std::span<T> slope) const {
    const auto most = std::ranges::max_element(y);
    const T largest = *most;
    T rest = 0;
    if (slope.empty()) {
      rest = rest_of(y, most);
    } else {
      // The exponentials once for both.
      const auto k = static_cast<std::size_t>(most - y.begin());
      for (std::size_t j = 0; j < y.size(); ++j) {
        slope[j] = std::exp(y[j] - largest);
        if (j != k) rest += slope[j];
      }
      for (T& p : slope) p /= 1 + rest;
      // 1 - p_t by the other terms: where p_t is near 1, the subtraction would lose all digits.
      T others = 0;
      for (std::size_t j = 0; j < y.size(); ++j) others += j == label ? T(0) : slope[j];
      slope[label] = -others;
    }
    if (smoothing_ > 0) return smoothed(y, label, largest, rest, slope);
    return static_cast<double>(std::log1p(rest) - (y[label] - largest));
  }

  // p_j (v_j - p . v). A shift of v changes nothing, as the rows of H sum to zero; with v_k = 0, what
  // is left of the sum is small where p_k is near 1, and no digits are lost.
  template <typename T>
  void curvature_product(std::span<const T> y, std::size_t /*label*/, std::span<const T> v,
                         std::span<T> product) const {
    const auto most = std::ranges::max_element(y);
    const T scale = 1 / (1 + rest_of(y, most));
    const T shift = v[static_cast<std::size_t>(most - y.begin())];
    T mean = 0;
    for (std::size_t j = 0; j < y.size(); ++j) {
      mean += scale * std::exp(y[j] - *most) * (v[j] - shift);
    }
    for (std::size_t j = 0; j < y.size(); ++j) {
      product[j] = scale * std::exp(y[j] - *most) * ((v[j] - shift) - mean);
    }
  }

  bool means_a_distribution() const { return smoothing_ == 0; }

  template <typename T>
  std::size_t drawn_label(std::span<const T> y, Random& random) const {
    const auto most = std::ranges::max_element(y);
    double left = random.uniform() * (1 + static_cast<double>(rest_of(y, most)));
    std::size_t label = 0;
    for (; label + 1 < y.size(); ++label) {
      left -= std::exp(static_cast<double>(y[label] - *most));
      if (left < 0) return label;
    }
    return label;
  }

 private:
  template <typename T>
  static T rest_of(std::span<const T> y, typename std::span<const T>::iterator most) {
    T rest = 0;
    for (auto value = y.begin(); value != y.end(); ++value) {
      if (value != most) rest += std::exp(*value - *most);
    }
    return rest;
  }

  // Turns p - [j = t] in `slope` into p - q.
  template <typename T>
  double smoothed(std::span<const T> y, std::size_t label, T largest, T rest,
                  std::span<T> slope) const {
    const double share = smoothing_ / static_cast<double>(y.size());
    double below = 0;  // how far all outputs are below the largest
    for (const T output : y) below += static_cast<double>(largest - output);
    for (T& value : slope) value -= static_cast<T>(share);
    if (!slope.empty()) slope[label] += static_cast<T>(smoothing_);
    return static_cast<double>(std::log1p(rest)) +
           (1 - smoothing_) * static_cast<double>(largest - y[label]) + share * below;
  }

  double smoothing_;
};

}  // namespace

LossEntry cross_entropy() {
  return example_loss<CrossEntropy>({
      .summary = "The negative log-likelihood of the label under a softmax of the outputs.",
      .formula = "L = -sum_j q_j ln softmax(y)_j, q_j = (1 - a) [j = t] + a/K, a the smoothing; "
                 "dL/dy_j = softmax(y)_j - q_j",
      .paper =
          "Bridle, Probabilistic interpretation of feedforward classification network outputs, "
          "in Neurocomputing, 1990, doi:10.1007/978-3-642-76153-9_28; smoothing: Szegedy, "
          "Vanhoucke, Ioffe, Shlens & Wojna, Rethinking the Inception architecture for computer "
          "vision, CVPR 2016, arXiv:1512.00567",
  });
}

}  // namespace plumbline::losses
