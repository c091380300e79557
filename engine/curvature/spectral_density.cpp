// SPDX-License-Identifier: Apache-2.0
#include "engine/curvature/spectral_density.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "engine/curvature/lanczos.hpp"
#include "engine/kernels/sum.hpp"

namespace plumbline {

double SpectralDensity::at(double x, double width) const {
  const double factor = std::numbers::inv_sqrtpi / (std::numbers::sqrt2 * width);
  return factor * sum_of(eigenvalues.size(), [&](std::size_t k) {
           const double distance = (x - eigenvalues[k]) / width;
           return weights[k] * std::exp(-0.5 * distance * distance);
         });
}

double SpectralDensity::moment(int p) const {
  return sum_of(eigenvalues.size(),
                [&](std::size_t k) { return weights[k] * std::pow(eigenvalues[k], p); });
}

SpectralDensity spectral_density(const SymmetricOperator& a, std::size_t n,
                                 const DensitySearch& search) {
  std::vector<std::pair<double, double>> masses;
  for (std::size_t start = 0; start < search.starts; ++start) {
    Lanczos lanczos(
        a, sign_vector(n, search.seed, RandomVector::density, static_cast<std::uint32_t>(start)));
    while (lanczos.steps() < search.iterations && !lanczos.is_closed()) {
      lanczos.step();
      if (lanczos.is_finite()) continue;
      constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
      return {{kNan}, {kNan}};
    }
    const Lanczos::Ritz ritz = lanczos.ritz();
    for (std::size_t k = 0; k < ritz.values.size(); ++k) {
      masses.emplace_back(ritz.values[k], ritz.weights[k] / static_cast<double>(search.starts));
    }
  }
  std::ranges::sort(masses);
  SpectralDensity density;
  for (const auto& [eigenvalue, weight] : masses) {
    density.eigenvalues.push_back(eigenvalue);
    density.weights.push_back(weight);
  }
  return density;
}

}  // namespace plumbline
