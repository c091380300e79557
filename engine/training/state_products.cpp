// SPDX-License-Identifier: Apache-2.0
#include "engine/training/state_products.hpp"

#include <cstddef>

namespace plumbline {

double state_products(const LayerKind& kind, const Shape& input) {
  TensorList tensors;
  kind.declare(input, tensors);
  const ParameterLayout layout = tensors.layout();
  std::size_t weights = 0;
  for (const ParameterTensor& tensor : layout.tensors()) {
    if (tensor.group == ParameterGroup::recurrent) weights += tensor.size();
  }
  return static_cast<double>((input.steps - 1) * weights);
}

}  // namespace plumbline
