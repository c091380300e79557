// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/initializer.hpp"

namespace plumbline::initializers {

namespace {

// w ~ U(low, high), whatever the fans.
class Uniform final : public Initializer {
 public:
  explicit Uniform(Settings& settings)
      : low_(settings.number("low", -0.05, kAny, "least weight")),
        high_(settings.number("high", 0.05, kAny, "greatest weight")) {
    if (high_ < low_) settings.problem("high", "is less than low");
  }

  void fill_weights(const ParameterTensor& /*tensor*/, MatrixView<double> weights,
                    Random& random) const override {
    for (std::size_t i = 0; i < weights.rows; ++i) {
      for (std::size_t j = 0; j < weights.cols; ++j) {
        weights(i, j) = low_ + (high_ - low_) * random.uniform();
      }
    }
  }
  std::optional<double> weight_variance(std::size_t /*fan_in*/,
                                        std::size_t /*fan_out*/) const override {
    return (high_ - low_) * (high_ - low_) / 12;
  }
  double weight_mean() const override { return (low_ + high_) / 2; }

 private:
  double low_;
  double high_;
};

}  // namespace

InitializerEntry uniform() {
  return initializer_entry<Uniform>({
      .summary = "Uniform between fixed limits, whatever the width.",
      .formula = "w ~ U(low, high); b = 0",
      .paper = "Rumelhart, Hinton & Williams, Learning internal representations by error "
               "propagation, 1986 (small random weights)",
  });
}

}  // namespace plumbline::initializers
