// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace plumbline {

/// to = factor * from, of one length and apart, by the widest vectors that the engine uses. Returns the
/// bytes that it read and wrote: over the time they took, a bandwidth. With a factor of 1 a copy that goes
/// through the caches, which memcpy goes around where the blocks are large.
double scaled_copy(std::span<const float> from, float factor, std::span<float> to);

/// x = factor * x in its place, four parts of it side by side, as an optimizer goes through its tensors
/// and prefetchers like. Returns the bytes that it read and wrote.
double scaled_in_place(std::span<float> x, float factor);

}  // namespace plumbline
