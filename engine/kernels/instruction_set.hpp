// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace plumbline {

/// The SIMD instructions that the engine's kernels were built for, in xsimd's words: "sse2",
/// "fma3+avx2", "avx512bw". A build for any processor holds the engine several times, and the system
/// loads the fastest one that the processor has. Results have the same bits on one instruction set.
std::string instruction_set();

/// Whether a link of a product's chain is rounded once; without such instructions it is rounded twice.
bool has_fused_products();

}  // namespace plumbline
