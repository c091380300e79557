// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xsimd/xsimd.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace plumbline {

/// The narrower batch beside the widest one of T, where the build's target has masks for both; else the
/// widest one.
#if defined(__AVX512VL__)
template <typename T>
using HalfBatch = xsimd::make_sized_batch_t<T, xsimd::batch<T>::size / 2>;
#else
template <typename T>
using HalfBatch = xsimd::batch<T>;
#endif

/// Loads and stores the first `n` lanes of a SIMD batch; memory beyond them is not touched. By the
/// processor's masks where the build's target has them (xsimd 8 does not offer them), else by copies.
/// `Lanes` is the widest batch of T or HalfBatch<T>.
template <typename T, class Lanes = xsimd::batch<T>>
class FirstLanes {
 public:
  static constexpr std::size_t kLanes = Lanes::size;

  /// n at most kLanes.
  explicit FirstLanes(std::size_t n);

  /// The lanes beyond n are 0.
  Lanes load(const T* from) const;
  void store(T* to, const Lanes& batch) const;

 private:
#if defined(__AVX512VL__)
  std::uint32_t mask_;
#elif defined(__AVX2__)
  std::size_t n_;
  __m256i mask_;
#else
  std::size_t n_;
#endif
};

#if defined(__AVX512VL__)

template <typename T, class Lanes>
FirstLanes<T, Lanes>::FirstLanes(std::size_t n) : mask_((std::uint32_t{1} << n) - 1) {}

template <>
inline xsimd::batch<float> FirstLanes<float>::load(const float* from) const {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask_), from);
}
template <>
inline xsimd::batch<double> FirstLanes<double>::load(const double* from) const {
  return _mm512_maskz_loadu_pd(static_cast<__mmask8>(mask_), from);
}
template <>
inline HalfBatch<float> FirstLanes<float, HalfBatch<float>>::load(const float* from) const {
  return _mm256_maskz_loadu_ps(static_cast<__mmask8>(mask_), from);
}
template <>
inline HalfBatch<double> FirstLanes<double, HalfBatch<double>>::load(const double* from) const {
  return _mm256_maskz_loadu_pd(static_cast<__mmask8>(mask_), from);
}
template <>
inline void FirstLanes<float>::store(float* to, const xsimd::batch<float>& batch) const {
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>(mask_), batch);
}
template <>
inline void FirstLanes<double>::store(double* to, const xsimd::batch<double>& batch) const {
  _mm512_mask_storeu_pd(to, static_cast<__mmask8>(mask_), batch);
}
template <>
inline void FirstLanes<float, HalfBatch<float>>::store(float* to,
                                                       const HalfBatch<float>& batch) const {
  _mm256_mask_storeu_ps(to, static_cast<__mmask8>(mask_), batch);
}
template <>
inline void FirstLanes<double, HalfBatch<double>>::store(double* to,
                                                         const HalfBatch<double>& batch) const {
  _mm256_mask_storeu_pd(to, static_cast<__mmask8>(mask_), batch);
}

#elif defined(__AVX2__)

namespace first_lanes_detail {

// A lane takes part where the sign bit of its mask is set: n lanes from entry 8 - n words on.
alignas(64) inline constexpr std::array<std::int32_t, 16> kMasks = {-1, -1, -1, -1, -1, -1, -1, -1};

}  // namespace first_lanes_detail

template <typename T, class Lanes>
FirstLanes<T, Lanes>::FirstLanes(std::size_t n) : n_(n) {
  constexpr std::size_t kWords = sizeof(T) / sizeof(std::int32_t);
  mask_ = _mm256_loadu_si256(
      reinterpret_cast<const __m256i*>(first_lanes_detail::kMasks.data() + 8 - n * kWords));
}

template <>
inline xsimd::batch<float> FirstLanes<float>::load(const float* from) const {
  return _mm256_maskload_ps(from, mask_);
}
template <>
inline xsimd::batch<double> FirstLanes<double>::load(const double* from) const {
  return _mm256_maskload_pd(from, mask_);
}
// In pieces of 4, 2 and 1: masked stores take some processors as long as twenty others.
template <>
inline void FirstLanes<float>::store(float* to, const xsimd::batch<float>& batch) const {
  const __m256 all = batch;
  if (n_ == kLanes) return _mm256_storeu_ps(to, all);
  __m128 left = _mm256_castps256_ps128(all);
  if ((n_ & 4) != 0) {
    _mm_storeu_ps(to, left);
    left = _mm256_extractf128_ps(all, 1);
    to += 4;
  }
  if ((n_ & 2) != 0) {
    _mm_storel_pi(reinterpret_cast<__m64*>(to), left);
    left = _mm_movehl_ps(left, left);
    to += 2;
  }
  if ((n_ & 1) != 0) _mm_store_ss(to, left);
}
template <>
inline void FirstLanes<double>::store(double* to, const xsimd::batch<double>& batch) const {
  const __m256d all = batch;
  if (n_ == kLanes) return _mm256_storeu_pd(to, all);
  __m128d left = _mm256_castpd256_pd128(all);
  if ((n_ & 2) != 0) {
    _mm_storeu_pd(to, left);
    left = _mm256_extractf128_pd(all, 1);
    to += 2;
  }
  if ((n_ & 1) != 0) _mm_store_sd(to, left);
}

#else

template <typename T, class Lanes>
FirstLanes<T, Lanes>::FirstLanes(std::size_t n) : n_(n) {}

template <typename T, class Lanes>
Lanes FirstLanes<T, Lanes>::load(const T* from) const {
  std::array<T, kLanes> values{};
  std::copy_n(from, n_, values.begin());
  return Lanes::load_unaligned(values.data());
}
template <typename T, class Lanes>
void FirstLanes<T, Lanes>::store(T* to, const Lanes& batch) const {
  std::array<T, kLanes> values;
  batch.store_unaligned(values.data());
  std::copy_n(values.begin(), n_, to);
}

#endif

}  // namespace plumbline
