// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "engine/datasets/dataset.hpp"

namespace plumbline {

/// x <- (x - mean) / deviation for each feature, over examples that are added block by block; a feature
/// that is the same in all of them becomes 0.
class Standardization {
 public:
  /// Two passes over the block, in double and in the order of the examples. Blocks are joined by
  ///   mean <- mean_a + (mean_b - mean_a) n_b / n
  ///   variance <- (n_a variance_a + n_b variance_b) / n + (mean_b - mean_a)^2 n_a n_b / n^2.
  /// Chan, Golub & LeVeque, "Algorithms for computing the sample variance", The American Statistician
  /// 37 (1983), doi:10.1080/00031305.1983.10483115.
  void add(const Examples& examples);

  void apply(Examples& examples) const;

 private:
  struct Feature {
    float first = 0;  // of all values
    bool varies = false;
    double mean = 0;
    double variance = 0;
  };

  double examples_ = 0;
  std::vector<Feature> features_;
};

}  // namespace plumbline
