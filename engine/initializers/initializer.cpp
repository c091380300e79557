// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/initializer.hpp"

#include <algorithm>
#include <cmath>

namespace plumbline {

void Initializer::fill_bias(const ParameterTensor& /*tensor*/, std::span<double> bias,
                            Random& random) const {
  const double deviation = std::sqrt(bias_variance());
  if (deviation == 0) {
    std::ranges::fill(bias, 0.0);
  } else {
    for (double& b : bias) b = deviation * random.normal();
  }
}

}  // namespace plumbline
