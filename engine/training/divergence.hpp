// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "engine/core/parameters.hpp"
#include "engine/kernels/reduce.hpp"

namespace plumbline {

/// Where the first number that is not finite stands after `step` updates, or an empty text. A step
/// makes weights, then the loss of the next batch, then its gradient from the output side down, and
/// they are searched in this order: "step 12, layer 3, weight".
template <typename T>
std::string find_divergence(std::int64_t step, const ParameterLayout& layout,
                            std::span<const T> parameters, double loss,
                            std::span<const T> gradient) {
  const auto place = [step](const ParameterTensor& tensor, const std::string& suffix) {
    const std::string kind = tensor.name.substr(tensor.name.rfind('.') + 1);
    return "step " + std::to_string(step) + ", layer " + std::to_string(tensor.layer) + ", " +
           kind + suffix;
  };
  const auto& tensors = layout.tensors();
  const auto finite = [](const ParameterTensor& tensor, std::span<const T> block) {
    return all_finite(block.subspan(tensor.offset, tensor.size()));
  };
  if (!all_finite(parameters)) {
    for (const ParameterTensor& tensor : tensors) {
      if (!finite(tensor, parameters)) return place(tensor, "");
    }
  }
  if (!std::isfinite(loss)) {
    return "step " + std::to_string(step) + ", layer " + std::to_string(tensors.back().layer) +
           ", loss";
  }
  if (!all_finite(gradient)) {
    for (auto tensor = tensors.rbegin(); tensor != tensors.rend(); ++tensor) {
      if (!finite(*tensor, gradient)) return place(*tensor, " gradient");
    }
  }
  return "";
}

}  // namespace plumbline
