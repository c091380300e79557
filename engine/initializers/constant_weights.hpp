// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include "engine/initializers/initializer.hpp"

namespace plumbline {

/// The same number for every weight; biases are 0. No ensemble, so no variance.
class ConstantWeights : public Initializer {
 public:
  void fill_weights(const ParameterTensor& /*tensor*/, MatrixView<double> weights,
                    Random& /*random*/) const final {
    for (std::size_t i = 0; i < weights.rows; ++i) {
      std::fill_n(weights.row(i), weights.cols, value_);
    }
  }
  std::optional<double> weight_variance(std::size_t /*fan_in*/,
                                        std::size_t /*fan_out*/) const final {
    return std::nullopt;
  }
  double weight_mean() const final { return value_; }
  bool independent_weights() const final { return false; }

 protected:
  explicit ConstantWeights(double value) : value_(value) {}

 private:
  double value_;
};

}  // namespace plumbline
