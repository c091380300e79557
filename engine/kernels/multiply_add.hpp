// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace plumbline {

/// Fused multiply-adds from registers to registers, by the widest vectors that the engine uses, in
/// enough independent chains of `links` each to hide the latency of one (5 cycles at most, two of them
/// a cycle; without fused instructions a product and a sum of 4 cycles each). Returns the number of floating-point operations, two for each element of a vector: over
/// the time they took, the peak of a core.
template <typename T>
double multiply_adds(std::size_t links);

extern template double multiply_adds<float>(std::size_t links);
extern template double multiply_adds<double>(std::size_t links);

}  // namespace plumbline
