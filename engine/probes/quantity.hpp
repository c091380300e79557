// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace plumbline {

/// What the values of a quantity at one step stand for.
enum class QuantityAxis : std::int8_t {
  none,  ///< one number for the whole net
  layer,  ///< one for each weight layer, the input side first; each step of an unrolled one is a layer
  lag,   ///< one for each step of the sequence, counted back from the last: 0, 1, ...
  index  ///< a few that are numbered from 1, such as the largest eigenvalues
};

/// The name of the axis in a results file; empty for none.
constexpr std::string_view to_string(QuantityAxis axis) {
  constexpr std::array<std::string_view, 4> kNames = {"", "layer", "lag", "index"};
  return kNames[static_cast<std::size_t>(axis)];
}

/// Something that is measured in a run, and the variable that it becomes.
struct Quantity {
  std::string name;     ///< "activation_mean"
  std::string summary;  ///< one sentence, with the formula
  std::string units = "1";
  QuantityAxis axis = QuantityAxis::layer;
  std::size_t size = 0;  ///< of an index axis: how many values
};

}  // namespace plumbline
