// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/reber_grammar.hpp"

#include <array>

namespace plumbline {

namespace {

// The automaton as Cleeremans, Servan-Schreiber and McClelland draw it: behind B, the arrows of each
// state; in the last state only E is left.
struct Arrow {
  char symbol;
  std::size_t to;
};
constexpr std::array<std::array<Arrow, 2>, 5> kArrows = {{{{{'T', 1}, {'P', 2}}},
                                                          {{{'S', 1}, {'X', 3}}},
                                                          {{{'T', 2}, {'V', 4}}},
                                                          {{{'X', 2}, {'S', 5}}},
                                                          {{{'P', 3}, {'V', 5}}}}};
constexpr std::size_t kLast = 5;

}  // namespace

std::string reber_string(std::size_t longest, Random& random) {
  std::string string;
  do {
    string = "B";
    for (std::size_t state = 0; state != kLast;) {
      const Arrow& arrow = kArrows[state][random.below(2)];
      string += arrow.symbol;
      state = arrow.to;
    }
    string += 'E';
  } while (string.size() > longest);
  return string;
}

void write_reber_symbols(std::string_view string, std::size_t steps, const SymbolEncoding& encoding,
                         float* example) {
  const std::size_t before = steps - string.size();
  for (std::size_t t = 0; t < before; ++t) {
    encoding.put_padding(example, t, kReberSymbols.size());
  }
  for (std::size_t i = 0; i < string.size(); ++i) {
    encoding.put(example, before + i, kReberSymbols.find(string[i]), kReberSymbols.size());
  }
}

}  // namespace plumbline
