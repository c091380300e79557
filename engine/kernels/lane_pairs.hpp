// SPDX-License-Identifier: Apache-2.0
// Two terms of a sum in neighbouring lanes. xsimd 8 offers none of it.
#pragma once

#include <xsimd/xsimd.hpp>

#include <array>
#include <cstddef>
#include <cstring>

#include "engine/kernels/first_lanes.hpp"

namespace plumbline {

/// pair[0], pair[1], pair[0], pair[1], ...
inline xsimd::batch<float> broadcast_pair(const float* pair) {
#if defined(__AVX512F__)
  double both;
  std::memcpy(&both, pair, sizeof(both));
  return _mm512_castpd_ps(_mm512_set1_pd(both));
#elif defined(__AVX2__)
  double both;
  std::memcpy(&both, pair, sizeof(both));
  return _mm256_castpd_ps(_mm256_set1_pd(both));
#else
  constexpr std::size_t kLanes = xsimd::batch<float>::size;
  std::array<float, kLanes> lanes;
  for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = pair[i % 2];
  return xsimd::batch<float>::load_unaligned(lanes.data());
#endif
}

/// first[0] + first[1], first[2] + first[3], ..., second[0] + second[1], ...
inline xsimd::batch<float> add_pairs(const xsimd::batch<float>& first,
                                     const xsimd::batch<float>& second) {
#if defined(__AVX512F__)
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  return _mm512_add_ps(_mm512_permutex2var_ps(first, even, second),
                       _mm512_permutex2var_ps(first, odd, second));
#elif defined(__AVX2__)
  const __m256 by_halves = _mm256_hadd_ps(first, second);
  constexpr int kFirstThenSecond = 0b11011000;
  return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(by_halves), kFirstThenSecond));
#else
  constexpr std::size_t kLanes = xsimd::batch<float>::size;
  std::array<float, 2 * kLanes> lanes;
  first.store_unaligned(lanes.data());
  second.store_unaligned(lanes.data() + kLanes);
  for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = lanes[2 * i] + lanes[2 * i + 1];
  return xsimd::batch<float>::load_unaligned(lanes.data());
#endif
}

#if defined(__AVX512VL__)
/// The same of one batch, which gives half of one.
inline HalfBatch<float> add_pairs(const xsimd::batch<float>& batch) {
  return _mm512_castps512_ps256(add_pairs(batch, batch));
}
#endif

}  // namespace plumbline
