// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/pass_cost.hpp"

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

double forward_cost(const StackKind& layers, const Shape& input) {
  return 2 * layers.products(input);
}

double gradient_cost(const StackKind& layers, const Shape& input) {
  const LayerKind& lowest = *layers.kinds().front();
  const double first = lowest.products(input) - state_products(lowest, input);
  return 6 * layers.products(input) - 2 * first;
}

}  // namespace plumbline
