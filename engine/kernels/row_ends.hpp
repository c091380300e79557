// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xsimd/xsimd.hpp>

#include <bit>
#include <cstddef>
#include <type_traits>

#include "engine/kernels/first_lanes.hpp"

namespace plumbline {

/// The first `n` elements of `rows` rows that follow each other, each row's at the start of its own part
/// of one SIMD batch; memory beyond them is not touched. Lanes beyond n of a part are 0.
template <typename T, std::size_t rows>
class RowEnds;

template <typename T>
class RowEnds<T, 1> {
 public:
  explicit RowEnds(std::size_t n) : lanes_(n) {}

  xsimd::batch<T> load(const T* first, std::size_t /*stride*/) const { return lanes_.load(first); }
  void store(T* first, std::size_t /*stride*/, const xsimd::batch<T>& batch) const {
    lanes_.store(first, batch);
  }

 private:
  FirstLanes<T> lanes_;
};

// A double is two words here, so that one set of instructions serves for both types.
#if defined(__AVX512VL__)

template <typename T>
class RowEnds<T, 4> {
 public:
  /// n at most a quarter of a batch.
  explicit RowEnds(std::size_t n)
      : mask_(static_cast<__mmask8>((1U << (n * sizeof(T) / sizeof(float))) - 1)) {}

  xsimd::batch<T> load(const T* first, std::size_t stride) const {
    __m512 all = _mm512_castps128_ps512(part(first));
    all = _mm512_insertf32x4(all, part(first + stride), 1);
    all = _mm512_insertf32x4(all, part(first + 2 * stride), 2);
    all = _mm512_insertf32x4(all, part(first + 3 * stride), 3);
    return std::bit_cast<xsimd::batch<T>>(all);
  }
  void store(T* first, std::size_t stride, const xsimd::batch<T>& batch) const {
    const auto all = std::bit_cast<__m512>(batch);
    put(first, _mm512_castps512_ps128(all));
    put(first + stride, _mm512_extractf32x4_ps(all, 1));
    put(first + 2 * stride, _mm512_extractf32x4_ps(all, 2));
    put(first + 3 * stride, _mm512_extractf32x4_ps(all, 3));
  }

 private:
  __m128 part(const T* from) const { return _mm_maskz_loadu_ps(mask_, from); }
  void put(T* to, __m128 values) const { _mm_mask_storeu_ps(to, mask_, values); }

  __mmask8 mask_;
};

template <typename T>
class RowEnds<T, 2> {
 public:
  /// n at most half of a batch.
  explicit RowEnds(std::size_t n) : lanes_(n) {}

  xsimd::batch<T> load(const T* first, std::size_t stride) const {
    const __m512d all = _mm512_castpd256_pd512(std::bit_cast<__m256d>(lanes_.load(first)));
    return std::bit_cast<xsimd::batch<T>>(
        _mm512_insertf64x4(all, std::bit_cast<__m256d>(lanes_.load(first + stride)), 1));
  }
  void store(T* first, std::size_t stride, const xsimd::batch<T>& batch) const {
    const auto all = std::bit_cast<__m512d>(batch);
    lanes_.store(first, std::bit_cast<HalfBatch<T>>(_mm512_castpd512_pd256(all)));
    lanes_.store(first + stride, std::bit_cast<HalfBatch<T>>(_mm512_extractf64x4_pd(all, 1)));
  }

 private:
  FirstLanes<T, HalfBatch<T>> lanes_;
};

#endif

/// Calls function(RowEnds<T, rows>(n), rows as an integral constant) with as many rows as have room
/// together for n elements each, where the build's target has instructions for it; else with one.
template <typename T, class Function>
void with_row_ends(std::size_t n, const Function& function) {
#if defined(__AVX512VL__)
  constexpr std::size_t kSize = xsimd::batch<T>::size;
  if (n <= kSize / 4) {
    return function(RowEnds<T, 4>(n), std::integral_constant<std::size_t, 4>());
  }
  if (n <= kSize / 2) {
    return function(RowEnds<T, 2>(n), std::integral_constant<std::size_t, 2>());
  }
#endif
  function(RowEnds<T, 1>(n), std::integral_constant<std::size_t, 1>());
}

}  // namespace plumbline
