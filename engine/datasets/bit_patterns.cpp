// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/bit_patterns.hpp"

#include <algorithm>

#include "engine/core/random.hpp"

namespace plumbline {

namespace {

constexpr std::size_t kMostBitsOfAll = 20;  // a million patterns

}  // namespace

BitPatterns BitPatterns::read(Settings& settings, std::int64_t bits) {
  BitPatterns patterns;
  patterns.bits = static_cast<std::size_t>(
      settings.integer("bits", bits, between(2, 1e6), "length of a pattern"));
  patterns.sampled =
      settings.choice("patterns", "all", {"all", "sampled"},
                      "each of the 2^bits patterns once, or as many as the parts ask "
                      "for at random") == "sampled";
  const bool too_many = !patterns.sampled && patterns.bits > kMostBitsOfAll;
  if (too_many) {
    settings.problem("bits", "is " + std::to_string(patterns.bits) +
                                 ", and all patterns are made of at most 20 bits; "
                                 "patterns = \"sampled\" draws some");
  }
  const std::size_t all = std::size_t{1} << std::min(patterns.bits, kMostBitsOfAll);
  patterns.split = Split::read_with_test(settings, {.train = patterns.sampled ? 1000 : all});
  if (!patterns.sampled) patterns.split.ask_for_at_most(all, settings);
  return patterns;
}

Matrix<float> BitPatterns::rows() const {
  constexpr std::uint32_t kPatterns = 1;  // part of the data stream; 0 deals
  const std::size_t n = sampled ? split.sizes.all() : std::size_t{1} << bits;
  Matrix<float> rows(Matrix<float>::shape_type{n, bits});
  Random random(split.seed, RandomStream::data, kPatterns);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < bits; ++j) {
      rows(i, j) = static_cast<float>(sampled ? random.below(2) : i >> (bits - 1 - j) & 1U);
    }
  }
  return rows;
}

}  // namespace plumbline
