// SPDX-License-Identifier: Apache-2.0
#include "engine/curvature/trace.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "engine/kernels/sum.hpp"

namespace plumbline {

TraceEstimate hutchinson_trace(const SymmetricOperator& a, std::size_t n, std::size_t samples,
                               std::int64_t seed) {
  std::vector<double> seen(samples);
  std::vector<double> product(n);
  for (std::size_t i = 0; i < samples; ++i) {
    const std::vector<double> v =
        sign_vector(n, seed, RandomVector::trace, static_cast<std::uint32_t>(i));
    a(v, product);
    seen[i] = dot<double>(v, product);
  }
  const auto count = static_cast<double>(samples);
  const double mean = sum_of(samples, [&](std::size_t i) { return seen[i]; }) / count;
  const double squares =
      sum_of(samples, [&](std::size_t i) { return (seen[i] - mean) * (seen[i] - mean); });
  if (samples < 2) return {mean, std::numeric_limits<double>::quiet_NaN()};
  return {mean, std::sqrt(squares / (count * (count - 1)))};
}

}  // namespace plumbline
