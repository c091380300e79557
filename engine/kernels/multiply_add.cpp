// SPDX-License-Identifier: Apache-2.0
#include "engine/kernels/multiply_add.hpp"

#include <array>

#include "engine/kernels/fused.hpp"

namespace plumbline {

template <typename T>
double multiply_adds(std::size_t links) {
  using Lanes = xsimd::batch<T>;
  constexpr std::size_t kChains = 12;
  // The compiler may not know the factor, nor that nobody wants the sums.
  T start = T(1e-3);
  asm volatile("" : "+m"(start));
  const Lanes x(start);
  std::array<Lanes, kChains> sums;
  sums.fill(x);
  for (std::size_t link = 0; link < links; ++link) {
    // The chain goes through the product too, to x / (1 - x): x * x would be the same in every link, and
    // computed once where the target has no fused instruction.
#pragma GCC unroll 12
    for (Lanes& sum : sums) sum = fused_multiply_add(sum, x, x);
  }
  Lanes total(T(0));
  for (const Lanes& sum : sums) total += sum;
  const T first = total.get(0);
  asm volatile("" : : "m"(first));
  return 2.0 * static_cast<double>(kChains * Lanes::size * links);
}

template double multiply_adds<float>(std::size_t links);
template double multiply_adds<double>(std::size_t links);

}  // namespace plumbline
