// SPDX-License-Identifier: Apache-2.0
// The losses of one example once more, from their formulas; nothing of the engine.
#pragma once

#include <cmath>
#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/oracle/rows.hpp"

namespace plumbline::oracle {

/// The softmax by its definition, for outputs far from overflow.
inline Row softmax(const Row& y) {
  Row p(y.size());
  double sum = 0;
  for (std::size_t j = 0; j < y.size(); ++j) sum += p[j] = std::exp(y[j]);
  for (double& share : p) share /= sum;
  return p;
}

/// A target is a row t of values; for a class label it is the one-hot row.
struct NaiveLoss {
  double (*value)(const Row& y, const Row& t) = nullptr;
  Row (*slope)(const Row& y, const Row& t) = nullptr;  ///< dL/dy
};

/// Throws std::out_of_range with the name of a loss that the oracle does not have.
inline NaiveLoss naive_loss(const std::string& name) {
  static const std::map<std::string, NaiveLoss> known = {
      // L = (1/m) sum_j (y_j - t_j)^2
      {"mean_squared_error",
       {[](const Row& y, const Row& t) {
          double sum = 0;
          for (std::size_t j = 0; j < y.size(); ++j) sum += (y[j] - t[j]) * (y[j] - t[j]);
          return sum / static_cast<double>(y.size());
        },
        [](const Row& y, const Row& t) {
          Row slope(y.size());
          for (std::size_t j = 0; j < y.size(); ++j) {
            slope[j] = 2 * (y[j] - t[j]) / static_cast<double>(y.size());
          }
          return slope;
        }}},
      // L = -sum_j t_j ln p_j, p = softmax(y)
      {"cross_entropy",
       {[](const Row& y, const Row& t) {
          const Row p = softmax(y);
          double sum = 0;
          for (std::size_t j = 0; j < y.size(); ++j) sum -= t[j] * std::log(p[j]);
          return sum;
        },
        [](const Row& y, const Row& t) {
          Row slope = softmax(y);
          for (std::size_t j = 0; j < y.size(); ++j) slope[j] -= t[j];
          return slope;
        }}},
  };
  const auto found = known.find(name);
  if (found == known.end()) {
    throw std::out_of_range("tests/oracle/naive_loss.hpp does not have '" + name + "'");
  }
  return found->second;
}

}  // namespace plumbline::oracle
