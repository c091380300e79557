// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/core/random.hpp"
#include "engine/datasets/symbol_encoding.hpp"

namespace plumbline {

/// The symbols of Reber strings, in the order of their encoding.
inline constexpr std::string_view kReberSymbols = "BTPSXVE";

/// The shortest strings of the grammar, BTXSE and BPVVE.
inline constexpr std::size_t kShortestReberString = 5;

/// A string of Reber's grammar: from each state of the automaton one of its two arrows, each with
/// probability 1/2. Redrawn until it has at most `longest` symbols; needs 5 at least.
std::string reber_string(std::size_t longest, Random& random);

/// Writes the string to the last of an example's `steps` steps, and the padding to those before. Needs
/// steps >= string.size(), and an example of zeros.
void write_reber_symbols(std::string_view string, std::size_t steps, const SymbolEncoding& encoding,
                         float* example);

}  // namespace plumbline
