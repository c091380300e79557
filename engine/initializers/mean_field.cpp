// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/scaled.hpp"

namespace plumbline::initializers {

namespace {

// w ~ N(0, sigma_w^2 / fan_in), b ~ N(0, sigma_b^2): the ensemble of mean-field theory, equation 1.
class MeanField final : public ScaledInitializer {
 public:
  explicit MeanField(Settings& settings)
      : ScaledInitializer(Shape::normal),
        weight_variance_(settings.number("weight_variance", 1, kNonNegative,
                                         "sigma_w^2, the weight variance times fan_in")),
        bias_variance_(
            settings.number("bias_variance", 0, kNonNegative, "sigma_b^2, the bias variance")) {}

  std::optional<double> weight_variance(std::size_t fan_in,
                                        std::size_t /*fan_out*/) const override {
    return weight_variance_ / static_cast<double>(fan_in);
  }
  double bias_variance() const override { return bias_variance_; }

 private:
  double weight_variance_;
  double bias_variance_;
};

}  // namespace

InitializerEntry mean_field() {
  return initializer_entry<MeanField>({
      .summary = "The Gaussian ensemble of mean-field theory, a point in its phase diagram.",
      .formula = "w ~ N(0, weight_variance / fan_in); b ~ N(0, bias_variance)",
      .paper = "Poole, Lahiri, Raghu, Sohl-Dickstein & Ganguli, Exponential expressivity in deep "
               "neural networks through transient chaos, NIPS 2016, arXiv:1606.05340",
  });
}

}  // namespace plumbline::initializers
