// SPDX-License-Identifier: Apache-2.0
#include "engine/initializers/initializer.hpp"

#include <algorithm>

namespace plumbline {

void Initializer::fill_bias(const ParameterTensor& /*tensor*/, std::span<double> bias,
                            Random& /*random*/) const {
  std::ranges::fill(bias, 0.0);
}

}  // namespace plumbline
