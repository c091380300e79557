// SPDX-License-Identifier: Apache-2.0
#include "engine/core/parameters.hpp"

#include <array>
#include <utility>

namespace plumbline {

std::string_view to_string(ParameterGroup group) {
  constexpr std::array<std::string_view, 7> kNames = {"input", "hidden",     "output",   "bias",
                                                      "norm",  "activation", "recurrent"};
  return kNames[static_cast<std::size_t>(group)];
}

std::size_t ParameterLayout::add(std::string name, std::size_t layer, ParameterGroup group,
                                 std::size_t rows, std::size_t cols, std::optional<double> initial,
                                 std::size_t places, const BranchPlace& branch) {
  tensors_.push_back({std::move(name), layer, group, rows, cols, size_, initial, places, branch});
  size_ += rows * cols;
  return tensors_.size() - 1;
}

}  // namespace plumbline
