// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xsimd/xsimd.hpp>

namespace plumbline {

/// x * y + z, rounded once where the build's target has the instruction, else twice.
template <typename T, class Architecture>
xsimd::batch<T, Architecture> fused_multiply_add(const xsimd::batch<T, Architecture>& x,
                                                 const xsimd::batch<T, Architecture>& y,
                                                 const xsimd::batch<T, Architecture>& z) {
  return xsimd::fma(x, y, z);
}

// xsimd 8's fma for AVX-512 rounds twice all the same.
#ifdef __AVX512F__
inline xsimd::batch<float> fused_multiply_add(const xsimd::batch<float>& x,
                                              const xsimd::batch<float>& y,
                                              const xsimd::batch<float>& z) {
  return _mm512_fmadd_ps(x, y, z);
}
inline xsimd::batch<double> fused_multiply_add(const xsimd::batch<double>& x,
                                               const xsimd::batch<double>& y,
                                               const xsimd::batch<double>& z) {
  return _mm512_fmadd_pd(x, y, z);
}
#endif

}  // namespace plumbline
