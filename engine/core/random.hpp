// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace plumbline {

/// What random numbers are drawn for. Streams of one seed are independent, so the same seed gives
/// the same initial weights and the same order of examples whatever else a run does.
enum class RandomStream : std::uint32_t { init = 1, order = 2, data = 3, noise = 4 };

/// Random numbers that are a pure function of (seed, stream, part, position): Philox-4x32-10 in
/// counter mode. `part` tells apart what draws from the same stream: a layer, an epoch.
/// Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
class Random {
 public:
  /// `block`: where in the sequence to begin, in pairs of draws.
  Random(std::int64_t seed, RandomStream stream, std::uint32_t part, std::uint64_t block = 0);

  std::uint64_t bits();
  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform();
  /// Uniform in {0, ..., n - 1}, without bias, by rejection. Needs n > 0.
  std::uint64_t below(std::uint64_t n);
  /// Standard normal by Box and Muller's transform, both values used. Annals of Mathematical
  /// Statistics 29 (1958).
  double normal();
  /// A uniformly random order of 0, ..., n - 1 (Fisher and Yates, as in Knuth's algorithm P).
  std::vector<std::uint32_t> permutation(std::size_t n);
  /// The same of 0, ..., order.size() - 1 in the memory of the caller.
  void permutation(std::span<std::uint32_t> order);

 private:
  std::array<std::uint32_t, 2> key_;
  std::uint32_t stream_;
  std::uint32_t part_;
  std::uint64_t block_;
  std::array<std::uint64_t, 2> drawn_{};
  std::size_t left_ = 0;
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace plumbline
