// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xsimd/xsimd.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace plumbline {

/// Loads and stores the first `n` lanes of a SIMD batch; memory beyond them is not touched. By the
/// processor's masks where the build's target has them (xsimd 8 does not offer them), else by copies.
template <typename T>
class FirstLanes {
 public:
  static constexpr std::size_t kLanes = xsimd::batch<T>::size;

  /// n at most kLanes.
  explicit FirstLanes(std::size_t n);

  /// The lanes beyond n are 0.
  xsimd::batch<T> load(const T* from) const;
  void store(T* to, const xsimd::batch<T>& batch) const;

 private:
#if defined(__AVX512F__)
  std::uint32_t mask_;
#elif defined(__AVX2__)
  __m256i mask_;
#else
  std::size_t n_;
#endif
};

#if defined(__AVX512F__)

template <typename T>
FirstLanes<T>::FirstLanes(std::size_t n) : mask_((std::uint32_t{1} << n) - 1) {}

template <>
inline xsimd::batch<float> FirstLanes<float>::load(const float* from) const {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask_), from);
}
template <>
inline xsimd::batch<double> FirstLanes<double>::load(const double* from) const {
  return _mm512_maskz_loadu_pd(static_cast<__mmask8>(mask_), from);
}
template <>
inline void FirstLanes<float>::store(float* to, const xsimd::batch<float>& batch) const {
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>(mask_), batch);
}
template <>
inline void FirstLanes<double>::store(double* to, const xsimd::batch<double>& batch) const {
  _mm512_mask_storeu_pd(to, static_cast<__mmask8>(mask_), batch);
}

#elif defined(__AVX2__)

template <typename T>
FirstLanes<T>::FirstLanes(std::size_t n) {
  // A lane takes part where the sign bit of its mask is set.
  constexpr std::size_t kWords = sizeof(T) / sizeof(std::int32_t);
  alignas(32) std::array<std::int32_t, 8> words{};
  std::fill_n(words.begin(), n * kWords, -1);
  mask_ = _mm256_load_si256(reinterpret_cast<const __m256i*>(words.data()));
}

template <>
inline xsimd::batch<float> FirstLanes<float>::load(const float* from) const {
  return _mm256_maskload_ps(from, mask_);
}
template <>
inline xsimd::batch<double> FirstLanes<double>::load(const double* from) const {
  return _mm256_maskload_pd(from, mask_);
}
template <>
inline void FirstLanes<float>::store(float* to, const xsimd::batch<float>& batch) const {
  _mm256_maskstore_ps(to, mask_, batch);
}
template <>
inline void FirstLanes<double>::store(double* to, const xsimd::batch<double>& batch) const {
  _mm256_maskstore_pd(to, mask_, batch);
}

#else

template <typename T>
FirstLanes<T>::FirstLanes(std::size_t n) : n_(n) {}

template <typename T>
xsimd::batch<T> FirstLanes<T>::load(const T* from) const {
  std::array<T, kLanes> values{};
  std::copy_n(from, n_, values.begin());
  return xsimd::batch<T>::load_unaligned(values.data());
}
template <typename T>
void FirstLanes<T>::store(T* to, const xsimd::batch<T>& batch) const {
  std::array<T, kLanes> values;
  batch.store_unaligned(values.data());
  std::copy_n(values.begin(), n_, to);
}

#endif

}  // namespace plumbline
