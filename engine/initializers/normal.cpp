// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/initializer.hpp"

namespace plumbline::initializers {

namespace {

// w ~ N(mean, std^2), whatever the fans.
class Normal final : public Initializer {
 public:
  explicit Normal(Settings& settings)
      : mean_(settings.number("mean", 0, kAny, "mean of a weight")),
        std_(settings.number("std", 0.05, kNonNegative, "standard deviation of a weight")) {}

  void fill_weights(const ParameterTensor& /*tensor*/, MatrixView<double> weights,
                    Random& random) const override {
    for (std::size_t i = 0; i < weights.rows; ++i) {
      for (std::size_t j = 0; j < weights.cols; ++j) weights(i, j) = mean_ + std_ * random.normal();
    }
  }
  std::optional<double> weight_variance(std::size_t /*fan_in*/,
                                        std::size_t /*fan_out*/) const override {
    return std_ * std_;
  }
  double weight_mean() const override { return mean_; }

 private:
  double mean_;
  double std_;
};

}  // namespace

InitializerEntry normal() {
  return initializer_entry<Normal>({
      .summary = "Normal with a fixed deviation, whatever the width.",
      .formula = "w ~ N(mean, std^2); b = 0",
      .paper = "Krizhevsky, Sutskever & Hinton, ImageNet classification with deep convolutional "
               "neural networks, NIPS 2012 (std = 0.01)",
  });
}

}  // namespace plumbline::initializers
