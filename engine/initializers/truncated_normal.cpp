// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/core/normal_mean.hpp"
#include "engine/initializers/initializer.hpp"

namespace plumbline::initializers {

namespace {

// w = mean + std z, where z has the density of N(0, 1) between low and high, and 0 outside. mean and
// std are those of the normal variable before it is cut; weight_mean() and weight_variance() are what
// is left: at low, high = -2, 2 the variance is 0.7737 std^2. Not the variant that divides std by 0.8796
// to make up for that.
// By rejection: of proposals N(0, 1) where the interval is wide, and uniform ones, taken with
// probability exp(-z^2 / 2), where it is narrow. As 0 is inside, at least 49 of 100 are taken.
class TruncatedNormal final : public Initializer {
 public:
  explicit TruncatedNormal(Settings& settings)
      : mean_(settings.number("mean", 0, kAny, "mean of a weight before the cut")),
        std_(settings.number("std", 0.05, kNonNegative, "standard deviation before the cut")),
        low_(settings.number("low", -2, Range{.high = 0}, "lower end in units of std")),
        high_(settings.number("high", 2, kNonNegative, "upper end in units of std")) {
    if (low_ == high_) {
      settings.problem("high", "is 0, as is low: that leaves no interval");
      return;
    }
    // E[z^k 1(low <= z <= high)]; the quadrature's panels end where the integrand jumps.
    const auto part = [this](auto power) {
      return normal_mean(1, [&](double z) { return low_ <= z && z <= high_ ? power(z) : 0; },
                         {low_, high_});
    };
    const double share = part([](double) { return 1.0; });
    z_mean_ = part([](double z) { return z; }) / share;
    z_variance_ = part([](double z) { return z * z; }) / share - z_mean_ * z_mean_;
  }

  void fill_weights(const ParameterTensor& /*tensor*/, MatrixView<double> weights,
                    Random& random) const override {
    for (std::size_t i = 0; i < weights.rows; ++i) {
      for (std::size_t j = 0; j < weights.cols; ++j) weights(i, j) = mean_ + std_ * draw(random);
    }
  }
  std::optional<double> weight_variance(std::size_t /*fan_in*/,
                                        std::size_t /*fan_out*/) const override {
    return std_ * std_ * z_variance_;
  }
  double weight_mean() const override { return mean_ + std_ * z_mean_; }

 private:
  double draw(Random& random) const {
    constexpr double kNarrow = 2.5;  // about sqrt(2 pi), where both ways are as good
    for (;;) {
      if (high_ - low_ > kNarrow) {
        const double z = random.normal();
        if (low_ <= z && z <= high_) return z;
      } else {
        const double z = low_ + (high_ - low_) * random.uniform();
        if (random.uniform() < std::exp(-0.5 * z * z)) return z;
      }
    }
  }

  double mean_;
  double std_;
  double low_;
  double high_;
  double z_mean_ = 0;
  double z_variance_ = 0;
};

}  // namespace

InitializerEntry truncated_normal() {
  return initializer_entry<TruncatedNormal>({
      .summary = "Normal with its tails cut off, whatever the width.",
      .formula = "w = mean + std z, z ~ N(0, 1) given low <= z <= high; b = 0",
      .paper =
          "Robert, Simulation of truncated normal variables, Statistics and Computing 5, 1995, "
          "arXiv:0907.4010",
  });
}

}  // namespace plumbline::initializers
