// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>

#include "engine/initializers/initializer.hpp"

namespace plumbline {

/// Weights of mean 0 whose variance is a function of the fans: normal, or uniform in
/// [-sqrt(3 variance), sqrt(3 variance)].
class ScaledInitializer : public Initializer {
 public:
  enum class Shape { normal, uniform };

  void fill_weights(const ParameterTensor& tensor, MatrixView<double> weights,
                    Random& random) const final {
    const double variance = weight_variance(tensor.fan_in(), tensor.fan_out()).value();
    const double deviation = std::sqrt(variance);
    const double limit = std::sqrt(3 * variance);
    for (std::size_t i = 0; i < weights.rows; ++i) {
      for (std::size_t j = 0; j < weights.cols; ++j) {
        weights(i, j) = shape_ == Shape::normal ? deviation * random.normal()
                                                : limit * (2 * random.uniform() - 1);
      }
    }
  }

 protected:
  explicit ScaledInitializer(Shape shape) : shape_(shape) {}

 private:
  Shape shape_;
};

}  // namespace plumbline
