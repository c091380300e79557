// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/losses/outputwise_loss.hpp"
#include "engine/losses/poisson_distribution.hpp"

namespace plumbline::losses {

namespace {

// L_i = sum_j [e^(y_j) - t_j y_j], the negative log-likelihood of independent counts t_j with mean
// e^(y_j), up to ln t_j!, which no parameter moves and which `full` adds (exactly, not by Stirling's
// formula). dL_i/dy_j = e^(y_j) - t_j. The sum over outputs, and not the mean. Outputs are the
// logarithms of the rates, the canonical link; above 709 e^y and L are infinite, and in float the slope
// from 88 on. Targets are counts; `full` gives NaN for negative ones.
class Poisson {
 public:
  static constexpr bool kMean = false;

  explicit Poisson(Settings& settings)
      : full_(settings.flag("full", false, "adds ln t!, which makes it the whole likelihood")) {}

  template <typename T>
  double value(T y, T t) const {
    const auto count = static_cast<double>(t);
    const double loss = std::exp(static_cast<double>(y)) - count * static_cast<double>(y);
    return full_ ? loss + log_factorial(count) : loss;
  }
  template <typename T>
  T slope(T y, T t) const {
    return std::exp(y) - t;
  }
  template <typename T>
  T curvature(T y, T /*t*/) const {
    return std::exp(y);
  }
  double drawn(double y, double /*scale*/, Random& random) const {
    return poisson_count(std::exp(y), random);
  }

 private:
  bool full_;
};

}  // namespace

LossEntry poisson() {
  return outputwise_loss<Poisson>({
      .summary =
          "The negative log-likelihood of independent counts, outputs being the logarithms of "
          "their rates; a label stands for its one-hot row.",
      .formula = "L = sum_j [e^y_j - t_j y_j], + ln t_j! if full; dL/dy_j = e^y_j - t_j",
      .paper = "Nelder & Wedderburn, Generalized linear models, Journal of the Royal Statistical "
               "Society A 135, 1972, doi:10.2307/2344614",
  });
}

}  // namespace plumbline::losses
