// SPDX-License-Identifier: Apache-2.0
#include "engine/core/shape.hpp"

namespace plumbline {

std::string to_string(const Shape& shape) {
  std::string text = std::to_string(shape.channels);
  if (shape.height != 1 || shape.width != 1) {
    text += " x " + std::to_string(shape.height) + " x " + std::to_string(shape.width);
  }
  if (shape.symbols > 0) text += " of " + std::to_string(shape.symbols) + " symbols";
  return shape.steps == 1 ? text : std::to_string(shape.steps) + " steps of " + text;
}

}  // namespace plumbline
