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
  /// Where each value is a symbol, how many there are: then it is a whole number below that.
  std::size_t symbols = 0;

  static constexpr Shape vector(std::size_t values) { return {.channels = values}; }
  static constexpr Shape image(std::size_t channels, std::size_t height, std::size_t width) {
    return {.channels = channels, .height = height, .width = width};
  }
  static constexpr Shape sequence(std::size_t steps, std::size_t values) {
    return {.steps = steps, .channels = values};
  }

  static constexpr Shape symbol_rows(std::size_t steps, std::size_t values, std::size_t symbols) {
    return {.steps = steps, .channels = values, .symbols = symbols};
  }

  /// Of one step.
  constexpr std::size_t values() const { return channels * height * width; }
  constexpr std::size_t size() const { return steps * values(); }
  constexpr bool is_image() const { return height * width > 1; }

  bool operator==(const Shape&) const = default;
};

/// "784" of a flat vector, "1 x 28 x 28" of an image, "50 steps of 2" of a sequence, "50 steps of 1 of 27
/// symbols" of one of symbols.
std::string to_string(const Shape& shape);

}  // namespace plumbline
