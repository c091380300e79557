// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/core/random.hpp"

namespace plumbline {

/// ln t! = ln Gamma(t + 1) for any t >= 0, to some 1e-14 of max(1, ln t!); NaN for other t.
/// Safe in any thread, which std::lgamma is not.
double log_factorial(double t);

/// A count of Poisson's distribution, NaN where the mean is NaN or negative and infinite where the
/// mean is. By inversion for a mean below 10, by Hormann's algorithm PTRS up to 1e8; beyond, by the
/// normal distribution of the same mean and variance, rounded, whose distribution function is at most
/// 7e-6 away (1/(6 sqrt(2 pi mean))).
double poisson_count(double mean, Random& random);

}  // namespace plumbline
