// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/standardization.hpp"

#include <cmath>

namespace plumbline {

void Standardization::add(const Examples& examples) {
  const Matrix<float>& x = examples.inputs;
  const std::size_t rows = examples.size();
  if (rows == 0) return;
  const std::size_t features = x.shape()[1];
  const auto n = static_cast<double>(rows);
  const bool first_block = features_.empty();
  if (first_block) {
    features_.resize(features);
    for (std::size_t j = 0; j < features; ++j) features_[j].first = x(0, j);
  }
  std::vector<double> mean(features, 0);
  std::vector<double> variance(features, 0);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < features; ++j) {
      mean[j] += static_cast<double>(x(i, j)) / n;
      if (x(i, j) != features_[j].first) features_[j].varies = true;
    }
  }
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < features; ++j) {
      const double apart = static_cast<double>(x(i, j)) - mean[j];
      variance[j] += apart * apart / n;
    }
  }
  const double before = examples_;
  examples_ += n;
  for (std::size_t j = 0; j < features; ++j) {
    Feature& feature = features_[j];
    const double apart = mean[j] - feature.mean;
    const double share = n / examples_;
    feature.mean = first_block ? mean[j] : feature.mean + apart * share;
    feature.variance = first_block ? variance[j]
                                   : feature.variance * (before / examples_) + variance[j] * share +
                                         apart * apart * (before / examples_) * share;
  }
}

void Standardization::apply(Examples& examples) const {
  std::vector<double> deviation;
  for (const Feature& feature : features_) deviation.push_back(std::sqrt(feature.variance));
  for (std::size_t i = 0; i < examples.size(); ++i) {
    for (std::size_t j = 0; j < features_.size(); ++j) {
      float& x = examples.inputs(i, j);
      x = features_[j].varies
              ? static_cast<float>((static_cast<double>(x) - features_[j].mean) / deviation[j])
              : 0;
    }
  }
}

}  // namespace plumbline
