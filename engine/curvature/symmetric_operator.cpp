// SPDX-License-Identifier: Apache-2.0
#include "engine/curvature/symmetric_operator.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "engine/core/random.hpp"

namespace plumbline {

SymmetricOperator preconditioned(SymmetricOperator a, std::span<const double> diagonal) {
  std::vector<double> factor(diagonal.size());
  std::ranges::transform(diagonal, factor.begin(), [](double p) {
    if (!(p > 0)) throw std::invalid_argument("a preconditioner is positive");
    return 1 / std::sqrt(p);
  });
  return [a = std::move(a), factor = std::move(factor)](std::span<const double> v,
                                                        std::span<double> product) {
    std::vector<double> scaled(v.size());
    for (std::size_t i = 0; i < v.size(); ++i) scaled[i] = factor[i] * v[i];
    a(scaled, product);
    for (std::size_t i = 0; i < v.size(); ++i) product[i] *= factor[i];
  };
}

std::vector<double> normal_vector(std::size_t n, std::int64_t seed, RandomVector purpose,
                                  std::uint32_t index) {
  Random random(seed, RandomStream::noise, static_cast<std::uint32_t>(purpose) + index);
  std::vector<double> values(n);
  for (double& value : values) value = random.normal();
  return values;
}

std::vector<double> sign_vector(std::size_t n, std::int64_t seed, RandomVector purpose,
                                std::uint32_t index) {
  Random random(seed, RandomStream::noise, static_cast<std::uint32_t>(purpose) + index);
  constexpr std::size_t kBits = 64;
  std::vector<double> values(n);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < n; ++i) {
    bits = i % kBits == 0 ? random.bits() : bits >> 1;
    values[i] = (bits & 1) == 0 ? -1 : 1;
  }
  return values;
}

}  // namespace plumbline
