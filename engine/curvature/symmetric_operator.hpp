// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace plumbline {

/// A symmetric matrix A that is known by its products with vectors: writes A v. The two do not overlap.
using SymmetricOperator = std::function<void(std::span<const double> v, std::span<double> product)>;

/// P^(-1/2) A P^(-1/2), P diagonal and positive: for the Hessian and the preconditioner of an optimizer
/// what decides its stability, with the same eigenvalues as P^(-1) A. Cohen et al., Adaptive gradient
/// methods at the edge of stability, 2022, arXiv:2207.14484.
SymmetricOperator preconditioned(SymmetricOperator a, std::span<const double> diagonal);

/// What a vector of random numbers is for; each purpose has parts of the seed's noise stream that the
/// noise of no training step has.
enum class RandomVector : std::uint32_t {
  krylov_start = 0xF0000000,
  trace = 0xF1000000,
  density = 0xF2000000
};

/// Independent N(0, 1): number `index` for this purpose.
std::vector<double> normal_vector(std::size_t n, std::int64_t seed, RandomVector purpose,
                                  std::uint32_t index);
/// Independent signs, +1 or -1 (Rademacher).
std::vector<double> sign_vector(std::size_t n, std::int64_t seed, RandomVector purpose,
                                std::uint32_t index);

}  // namespace plumbline
