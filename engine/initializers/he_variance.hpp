// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "engine/core/settings.hpp"

namespace plumbline {

/// Reads the settings of he_normal and he_uniform and gives 2 / ((1 + slope^2) fan).
class HeVariance {
 public:
  explicit HeVariance(Settings& settings)
      : by_fan_out_(settings.choice("fan", "fan_in", {"fan_in", "fan_out"},
                                    "fan_in keeps activations, fan_out gradients") == "fan_out"),
        slope_(settings.number("slope", 0, kAny,
                               "a, the rectifier's slope for negative z, as of leaky_relu")) {}

  double operator()(std::size_t fan_in, std::size_t fan_out) const {
    return 2 / ((1 + slope_ * slope_) * static_cast<double>(by_fan_out_ ? fan_out : fan_in));
  }

 private:
  bool by_fan_out_;
  double slope_;
};

}  // namespace plumbline
