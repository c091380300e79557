// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/profile/layer_profile.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace plumbline {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kDeep = 12;

}  // namespace

double first_to_last(std::span<const double> profile) {
  if (profile.empty() || profile.back() == 0) return kNaN;
  const double ratio = profile.front() / profile.back();
  return std::isfinite(profile.front()) && std::isfinite(profile.back()) ? ratio : kNaN;
}

double factor_per_layer(std::span<const double> profile) {
  const std::size_t n_layers = profile.size();
  if (n_layers == 0) return kNaN;
  const bool deep = n_layers >= kDeep;
  const std::size_t first = deep ? 5 : 1;
  const std::size_t last = deep ? n_layers - 2 : n_layers - 1;

  std::vector<double> below_output;
  std::vector<double> logarithms;
  double mean_k = 0;
  double mean_logarithm = 0;
  for (std::size_t layer = first; layer <= last; ++layer) {
    const double value = profile[layer - 1];
    if (!std::isfinite(value) || value <= 0) continue;
    below_output.push_back(static_cast<double>(n_layers - layer));
    logarithms.push_back(std::log(value));
    mean_k += below_output.back();
    mean_logarithm += logarithms.back();
  }
  const std::size_t n = logarithms.size();
  if (n < 2) return kNaN;
  mean_k /= static_cast<double>(n);
  mean_logarithm /= static_cast<double>(n);

  double covariance = 0;
  double variance = 0;
  for (std::size_t i = 0; i < n; ++i) {
    covariance += (below_output[i] - mean_k) * (logarithms[i] - mean_logarithm);
    variance += (below_output[i] - mean_k) * (below_output[i] - mean_k);
  }
  return std::exp(covariance / variance);
}

}  // namespace plumbline
