// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <type_traits>

#include "engine/kernels/elementwise.hpp"
#include "engine/kernels/fused.hpp"

namespace plumbline {

namespace vector_functions_detail {

template <typename T>
struct Format;

template <>
struct Format<float> {
  using Word = std::int32_t;
  static constexpr int kMantissa = 23;
  // ln 2 = high + low, and n high is exact for the n in use (Cody & Waite, Software Manual for the
  // Elementary Functions, 1980).
  static constexpr double kLn2High = 0x1.63p-1;
  static constexpr double kLn2Low = std::numbers::ln2 - kLn2High;
  // Beyond it e^x is infinite, below it zero.
  static constexpr double kMostExp = 89;
  static constexpr double kLeastExp = -104;
  // Up to it, in both directions, e^x is a normal number times a power of 2 that is one.
  static constexpr double kMostNormalExp = 87;
  // From here on tanh is 1.
  static constexpr double kMostTanh = 9.02;
  // Taylor's series of (e^r - 1 - r) / r^2: |r| is at most ln(2)/2, and what is left out of e^r - 1 is
  // below r 1.6e-8.
  static constexpr std::size_t kTerms = 6;
};

template <>
struct Format<double> {
  using Word = std::int64_t;
  static constexpr int kMantissa = 52;
  static constexpr double kLn2High = 0x1.62e42feep-1;
  static constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  static constexpr double kMostExp = 710;
  static constexpr double kLeastExp = -746;
  static constexpr double kMostNormalExp = 708;
  static constexpr double kMostTanh = 19.1;
  static constexpr std::size_t kTerms = 13;  // below r 4e-18
};

/// e^x = 2^n (1 + p), with n the whole number nearest to x / ln 2. `shifted` is n in the lowest bits.
template <typename T>
struct Split {
  Batch<T> n;
  Batch<T> shifted;
  Batch<T> p;
};

template <typename T>
constexpr double kShift = 1.5 * static_cast<double>(std::int64_t{1} << Format<T>::kMantissa);

template <typename T>
Split<T> split(const Batch<T>& x) {
  using V = Batch<T>;
  Split<T> result;
  // Adding the shift rounds to whole numbers.
  const V shift = constant<V>(kShift<T>);
  result.shifted = fused_multiply_add(x, constant<V>(std::numbers::log2e), shift);
  result.n = result.shifted - shift;
  V r = fused_multiply_add(result.n, constant<V>(-Format<T>::kLn2High), x);
  r = fused_multiply_add(result.n, constant<V>(-Format<T>::kLn2Low), r);
  double factorial = 1;
  for (std::size_t k = 2; k <= Format<T>::kTerms + 1; ++k) factorial *= static_cast<double>(k);
  V series = constant<V>(1 / factorial);
#pragma GCC unroll 16
  for (std::size_t k = Format<T>::kTerms + 1; k > 2; --k) {
    factorial /= static_cast<double>(k);
    series = fused_multiply_add(series, r, constant<V>(1 / factorial));
  }
  result.p = fused_multiply_add(r * r, series, r);
  return result;
}

/// 2^n of the n that stands in the lowest bits of `shifted`, for exponents of normal numbers.
template <typename T>
Batch<T> power_of_2(const Batch<T>& shifted) {
  using Word = typename Format<T>::Word;
  const auto word = std::bit_cast<Batch<Word>>(shifted);
  const Batch<Word> one(std::bit_cast<Word>(T(1)));
  return std::bit_cast<Batch<T>>((word << Format<T>::kMantissa) + one);
}

}  // namespace vector_functions_detail

/// e^x: of a SIMD batch within 2 ulp over all numbers, subnormal results and the last piece before
/// infinity included; of a double by the standard library. NaN stays NaN.
template <typename V>
V exponential(const V& x) {
  if constexpr (xsimd::is_batch<V>::value) {
    using T = typename V::value_type;
    using Format = vector_functions_detail::Format<T>;
    const V most = constant<V>(Format::kMostExp);
    const V least = constant<V>(Format::kLeastExp);
    const auto split =
        vector_functions_detail::split<T>(where(x > most, most, where(x < least, least, x)));
    // In two steps, as 2^n alone may be no number where e^x is one.
    const V shift = constant<V>(vector_functions_detail::kShift<T>);
    const V half = fused_multiply_add(split.n, constant<V>(0.5), shift);
    const V rest = (split.n - (half - shift)) + shift;
    const V first = vector_functions_detail::power_of_2<T>(half);
    const V second = vector_functions_detail::power_of_2<T>(rest);
    return fused_multiply_add(first, split.p, first) * second;
  } else {
    return std::exp(x);
  }
}

/// tanh x = t / (t + 2) = 1 - 2 / (t + 2) with t = e^2x - 1, by |x|: of a SIMD batch within 3 ulp over
/// all numbers; of a double by the standard library. NaN stays NaN, and -0 is -0.
template <typename V>
V hyperbolic_tangent(const V& x) {
  if constexpr (xsimd::is_batch<V>::value) {
    using T = typename V::value_type;
    const V most = constant<V>(vector_functions_detail::Format<T>::kMostTanh);
    const V size = xsimd::abs(x);
    const V nearest = where(size > most, most, size);
    const auto split = vector_functions_detail::split<T>(nearest + nearest);
    const V power = vector_functions_detail::power_of_2<T>(split.shifted);
    const V t = fused_multiply_add(power, split.p, power - constant<V>(1));
    // Where 2 / (t + 2) is the smaller part, so are its roundings.
    const V two = constant<V>(2);
    const auto large = t > two;
    const V part = where(large, two, t) / (t + two);
    return where(large, constant<V>(1) - part, part) | xsimd::bitofsign(x);
  } else {
    return std::tanh(x);
  }
}

/// s(x) = e^x / (1 + e^x) of a gate, within 3 ulp where x is at least -87 (-708 in float64); below that
/// it is as large as there, some 1e-38 (1e-308). Takes less time than 1 / (1 + exponential(-x)). NaN
/// stays NaN.
template <typename T, class Architecture>
xsimd::batch<T, Architecture> gate(const xsimd::batch<T, Architecture>& x) {
  const auto split = vector_functions_detail::split<T>(
      clamped(x, vector_functions_detail::Format<T>::kMostNormalExp));
  const auto power = vector_functions_detail::power_of_2<T>(split.shifted);
  const auto e = fused_multiply_add(power, split.p, power);
  return e / (e + xsimd::batch<T, Architecture>(T(1)));
}

}  // namespace plumbline
