// SPDX-License-Identifier: Apache-2.0
#include "engine/core/random.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <utility>

namespace plumbline {

Random::Random(std::int64_t seed, RandomStream stream, std::uint32_t part, std::uint64_t block)
    : key_{static_cast<std::uint32_t>(static_cast<std::uint64_t>(seed)),
           static_cast<std::uint32_t>(static_cast<std::uint64_t>(seed) >> 32)},
      stream_(static_cast<std::uint32_t>(stream)),
      part_(part),
      block_(block) {}

std::uint64_t Random::bits() {
  if (left_ == 0) {
    const r123::Philox4x32::ctr_type counter = {{static_cast<std::uint32_t>(block_),
                                                 static_cast<std::uint32_t>(block_ >> 32), part_,
                                                 stream_}};
    const r123::Philox4x32::key_type key = {{key_[0], key_[1]}};
    const r123::Philox4x32::ctr_type word = r123::Philox4x32()(counter, key);
    drawn_ = {word[0] | static_cast<std::uint64_t>(word[1]) << 32,
              word[2] | static_cast<std::uint64_t>(word[3]) << 32};
    left_ = 2;
    ++block_;
  }
  --left_;
  return drawn_[1 - left_];
}

double Random::uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

std::uint64_t Random::below(std::uint64_t n) {
  // The largest multiple of n that fits: draws from it on would favour small remainders.
  const std::uint64_t limit = std::numeric_limits<std::uint64_t>::max() / n * n;
  std::uint64_t draw = bits();
  while (draw >= limit) draw = bits();
  return draw % n;
}

double Random::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));  // 1 - u is never 0
  const double angle = 2 * std::numbers::pi * uniform();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

std::vector<std::uint32_t> Random::permutation(std::size_t n) {
  std::vector<std::uint32_t> order(n);
  permutation(std::span(order));
  return order;
}

void Random::permutation(std::span<std::uint32_t> order) {
  std::iota(order.begin(), order.end(), 0U);
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[static_cast<std::size_t>(below(i))]);
  }
}

}  // namespace plumbline
