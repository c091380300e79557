// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace plumbline {

/// How the values of one example are arranged in its row, slowest first: steps x channels x height x
/// width. A flat vector of n values is 1 x n x 1 x 1.
struct Shape {
  std::size_t steps = 1;
  std::size_t channels = 1;
  std::size_t height = 1;
  std::size_t width = 1;

  std::size_t size() const { return steps * channels * height * width; }

  bool operator==(const Shape&) const = default;
};

/// "784" of a flat vector, "1 x 28 x 28" of an image, "50 steps of 2" of a sequence.
std::string to_string(const Shape& shape);

}  // namespace plumbline
