// SPDX-License-Identifier: Apache-2.0
// A loss and its gradient over a batch, in one call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/losses/loss.hpp"

namespace plumbline {

template <typename T>
struct Evaluated {
  double loss = 0;
  std::vector<T> gradient;
};

template <typename T>
Evaluated<T> evaluated_targets(const Loss& loss, const std::vector<T>& outputs, std::size_t cols,
                               const Targets<T>& targets) {
  const std::size_t rows = outputs.size() / cols;
  Evaluated<T> result{0, std::vector<T>(outputs.size(), T(-99))};
  result.loss = loss.evaluate(MatrixView<const T>{outputs.data(), rows, cols, cols}, targets,
                              {result.gradient.data(), rows, cols, cols});
  return result;
}

template <typename T>
Evaluated<T> evaluated(const Loss& loss, const std::vector<T>& outputs, std::size_t cols,
                       const std::vector<std::int32_t>& labels) {
  return evaluated_targets(loss, outputs, cols, Targets<T>{labels, {}});
}

template <typename T>
Evaluated<T> evaluated_values(const Loss& loss, const std::vector<T>& outputs, std::size_t cols,
                              const std::vector<T>& values) {
  return evaluated_targets(loss, outputs, cols,
                           Targets<T>{{}, {values.data(), values.size() / cols, cols, cols}});
}

}  // namespace plumbline
