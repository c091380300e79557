// SPDX-License-Identifier: Apache-2.0
#include "engine/losses/poisson_distribution.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace plumbline {

namespace {

// The first k at which the sum of p_k = e^-mean mean^k / k! exceeds u. By rounding, the sum may never
// reach the largest u: then k is where it ceases to grow.
double by_inversion(double mean, Random& random) {
  const double u = random.uniform();
  double p = std::exp(-mean);
  double sum = p;
  double k = 0;
  while (u >= sum) {
    ++k;
    p *= mean / k;
    if (sum + p == sum) break;
    sum += p;
  }
  return k;
}

// Hormann, "The transformed rejection method for generating Poisson random variables", Insurance:
// Mathematics and Economics 12 (1993), algorithm PTRS, for a mean of at least 10.
double by_transformed_rejection(double mean, Random& random) {
  const double b = 0.931 + 2.53 * std::sqrt(mean);
  const double a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
  const double v_r = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const double u = random.uniform() - 0.5;
    const double v = 1 - random.uniform();  // never 0
    const double u_s = 0.5 - std::abs(u);
    const double k = std::floor((2 * a / u_s + b) * u + mean + 0.43);
    if (u_s >= 0.07 && v <= v_r) return k;
    if (k < 0 || (u_s < 0.013 && v > u_s)) continue;
    if (std::log(v * inverse_alpha / (a / (u_s * u_s) + b)) <=
        k * std::log(mean) - mean - log_factorial(k)) {
      return k;
    }
  }
}

}  // namespace

double log_factorial(double t) {
  if (!(t >= 0)) return std::numeric_limits<double>::quiet_NaN();
  // Stirling's series at x = t + 1, moved to x >= 16 by Gamma(x + 1) = x Gamma(x). The first term left
  // out is 691 / (360360 x^11), 1.1e-16.
  double x = t + 1;
  double product = 1;
  for (; x < 16; ++x) product *= x;
  const double r = 1 / (x * x);
  const double series =
      (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r * (1.0 / 1680 - r / 1188)))) / x;
  return (x - 0.5) * (std::log(x) - 1) + 0.5 * (std::log(2 * std::numbers::pi) - 1) + series -
         std::log(product);
}

double poisson_count(double mean, Random& random) {
  if (!(mean >= 0)) return std::numeric_limits<double>::quiet_NaN();
  if (mean < 10) return by_inversion(mean, random);
  if (mean <= 1e8) return by_transformed_rejection(mean, random);
  if (std::isinf(mean)) return mean;
  return std::round(mean + std::sqrt(mean) * random.normal());
}

}  // namespace plumbline
