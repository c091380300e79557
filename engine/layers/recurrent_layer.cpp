// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/recurrent_layer.hpp"

namespace plumbline {

RecurrentSize read_recurrent_size(Settings& settings, const LayerDefaults& model) {
  RecurrentSize size;
  size.units = read_width(settings, model);
  size.truncate =
      static_cast<std::size_t>(settings.integer("truncate", 0, between(0, 1e9),
                                                "slopes stay in pieces of so many steps, counted "
                                                "from the last one; 0: they go back over all"));
  return size;
}

void declare_gates(const Shape& input, std::size_t units, std::span<const Gate> gates,
                   TensorList& tensors) {
  const auto part = [](const char* name, const Gate& gate) {
    return *gate.name == 0 ? std::string(name) : std::string(name) + '_' + gate.name;
  };
  tensors.begin_weight_layer(input.steps);
  for (const Gate& gate : gates) {
    tensors.add(part("weight", gate), ParameterGroup::hidden, units, input.values());
  }
  for (const Gate& gate : gates) {
    tensors.add(part("recurrent", gate), ParameterGroup::recurrent, units, units);
  }
  for (const Gate& gate : gates) {
    tensors.add(part("bias", gate), ParameterGroup::bias, units, 1, gate.bias);
  }
}

}  // namespace plumbline
