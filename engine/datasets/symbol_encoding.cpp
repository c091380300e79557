// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/symbol_encoding.hpp"

namespace plumbline {

SymbolEncoding::SymbolEncoding(Settings& settings)
    : index_(settings.choice("encoding", "one_hot", {"one_hot", "index"},
                             "a symbol is a vector with a single 1, or its index from 0, for the "
                             "layer embedding") == "index") {
  if (!index_) settings.restates("encoding");
}

Shape SymbolEncoding::shape(std::size_t steps, std::size_t symbols, bool padded) const {
  if (!index_) return Shape::sequence(steps, symbols);
  return Shape::symbol_rows(steps, 1, symbols + (padded ? 1 : 0));
}

void SymbolEncoding::put(float* example, std::size_t t, std::size_t symbol,
                         std::size_t symbols) const {
  if (index_) {
    example[t] = static_cast<float>(symbol);
  } else {
    example[t * symbols + symbol] = 1;
  }
}

void SymbolEncoding::put_padding(float* example, std::size_t t, std::size_t symbols) const {
  if (index_) put(example, t, symbols, symbols);
}

}  // namespace plumbline
