// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/stream_sizes.hpp"

#include <algorithm>

namespace plumbline {

bool streams_part(const DataSource& source, std::size_t examples) {
  return source.window() > 0 && examples > source.window();
}

double shared_bytes(const DataSource& source) {
  const SplitSizes sizes = source.sizes();
  const auto bytes = static_cast<double>(source.example_bytes());
  if (source.window() == 0) return static_cast<double>(sizes.all()) * bytes;
  constexpr double kPlaceBytes = 16;
  double held = 0;
  for (const std::size_t part : {sizes.valid, sizes.test}) {
    if (!streams_part(source, part)) held += static_cast<double>(part);
  }
  return held * bytes + static_cast<double>(sizes.all()) * kPlaceBytes;
}

// Two windows with up to a batch beside each, and the order of one of them
// (training/streamed_batches.hpp); and three blocks, each with a copy of what is wanted of it, where the
// next is read while one is evaluated.
double streaming_bytes(const DataSource& source, std::size_t batch) {
  if (source.window() == 0) return 0;
  constexpr double kOrderBytes = 20;
  const auto window = static_cast<double>(std::min(source.window(), source.sizes().train));
  const auto blocks = static_cast<double>(3 * source.block());
  return (2 * (window + static_cast<double>(batch)) + blocks) *
             static_cast<double>(source.example_bytes()) +
         kOrderBytes * window;
}

}  // namespace plumbline
