// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "engine/core/settings.hpp"
#include "engine/core/shape.hpp"

namespace plumbline {

/// How a source of sequences gives a symbol: as a one-hot vector, or as its index, which the layer
/// embedding takes, in a single value.
class SymbolEncoding {
 public:
  SymbolEncoding() = default;
  /// Reads `encoding`; runs with the default keep the identity that they had before there was a choice.
  explicit SymbolEncoding(Settings& settings);

  /// Of an example. A padding, where there is one, is a zero vector, or one symbol more, the last.
  Shape shape(std::size_t steps, std::size_t symbols, bool padded = false) const;
  /// Writes what step `t` has into an example of shape(steps, symbols), which starts as zeros.
  void put(float* example, std::size_t t, std::size_t symbol, std::size_t symbols) const;
  void put_padding(float* example, std::size_t t, std::size_t symbols) const;

 private:
  bool index_ = false;
};

}  // namespace plumbline
