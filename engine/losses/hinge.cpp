// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/losses/example_loss.hpp"

namespace plumbline::losses {

namespace {

// With the violations u_j = max(0, margin + y_j - y_t) of the classes j other than the label t:
//   weston_watkins: L_i = sum_j u_j (their margin is 2; not divided by the number of classes)
//   crammer_singer: L_i = max_j u_j
// dL_i/dy_j = 1 for the j that count, and dL_i/dy_t minus their number; at a kink, a violation of 0
// does not count, and the first of equal ones does. The curvature is zero between the kinks.
class Hinge {
 public:
  static constexpr bool kNeedsLabels = true;

  explicit Hinge(Settings& settings)
      : all_(settings.choice("variant", "weston_watkins", {"weston_watkins", "crammer_singer"},
                             "whether all classes too near the label count, or the worst") ==
             "weston_watkins"),
        margin_(settings.number("margin", 1, kPositive,
                                "by how much the label's output shall exceed the others")) {}

  template <typename T>
  double value(std::span<const T> y, std::size_t label, std::span<T> slope) const {
    std::ranges::fill(slope, T(0));
    double sum = 0;
    const std::size_t only = all_ ? y.size() : worst(y, label);
    for (std::size_t j = 0; j < y.size(); ++j) {
      if (j == label || (!all_ && j != only)) continue;
      const T violation = static_cast<T>(margin_) + (y[j] - y[label]);
      if (violation <= 0) continue;  // a NaN goes on
      sum += static_cast<double>(violation);
      if (slope.empty()) continue;
      const T one = violation > 0 ? T(1) : violation;
      slope[j] += one;
      slope[label] -= one;
    }
    return sum;
  }

  template <typename T>
  void curvature_product(std::span<const T> /*y*/, std::size_t /*label*/, std::span<const T> /*v*/,
                         std::span<T> product) const {
    std::ranges::fill(product, T(0));
  }

  // A violation changes by twice as much as the outputs, and so does the lead of one over another.
  double distance_to_kink(std::span<const double> y, std::size_t label) const {
    double least = std::numeric_limits<double>::infinity();
    const std::size_t most = worst(y, label);
    for (std::size_t j = 0; j < y.size(); ++j) {
      if (j == label) continue;
      const bool rival = !all_ && j != most;
      const double gap = rival ? y[most] - y[j] : std::abs(margin_ + (y[j] - y[label]));
      least = std::min(least, gap / 2);
    }
    return least;
  }

 private:
  // The class other than the label with the largest output; one that is NaN if there is any.
  template <typename T>
  static std::size_t worst(std::span<const T> y, std::size_t label) {
    std::size_t most = label == 0 ? 1 : 0;
    for (std::size_t j = most + 1; j < y.size(); ++j) {
      if (j != label && !(y[j] <= y[most]) && !std::isnan(y[most])) most = j;
    }
    return most;
  }

  bool all_;
  double margin_;
};

}  // namespace

LossEntry hinge() {
  return example_loss<Hinge>({
      .summary = "By how much other classes come nearer to the label's output than a margin.",
      .formula = "L = sum_j max(0, margin + y_j - y_t) over j != t, or the largest of these terms; "
                 "dL/dy_j = 1 where a term counts, dL/dy_t = -their number",
      .paper = "Weston & Watkins, Support vector machines for multi-class pattern recognition, "
               "ESANN 1999; Crammer & Singer, On the algorithmic implementation of multiclass "
               "kernel-based vector machines, Journal of Machine Learning Research 2, 2001",
  });
}

}  // namespace plumbline::losses
