// SPDX-License-Identifier: Apache-2.0
// The losses of one example once more, with their default settings, from their formulas; nothing of
// the engine.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
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

inline double logistic(double y) { return 1 / (1 + std::exp(-y)); }

/// The sum over outputs of a function of output and target.
template <class Function>
double sum_over(const Row& y, const Row& t, const Function& function) {
  double sum = 0;
  for (std::size_t j = 0; j < y.size(); ++j) sum += function(y[j], t[j]);
  return sum;
}
template <class Function>
double mean_over(const Row& y, const Row& t, const Function& function) {
  return sum_over(y, t, function) / static_cast<double>(y.size());
}

/// A function of output and target for each output, times a factor.
template <class Function>
Row row_of(const Row& y, const Row& t, double factor, const Function& function) {
  Row row(y.size());
  for (std::size_t j = 0; j < y.size(); ++j) row[j] = factor * function(y[j], t[j]);
  return row;
}

inline double one_in(const Row& y) { return 1 / static_cast<double>(y.size()); }

inline std::size_t label_of(const Row& one_hot) {
  return static_cast<std::size_t>(std::ranges::max_element(one_hot) - one_hot.begin());
}

inline double smooth(const Row& /*y*/, const Row& /*t*/) {
  return std::numeric_limits<double>::infinity();
}

/// A target is a row t of values; for a class label it is the one-hot row.
struct NaiveLoss {
  double (*value)(const Row& y, const Row& t) = nullptr;
  Row (*slope)(const Row& y, const Row& t) = nullptr;  ///< dL/dy
  /// By how much each output can change before the slope or the curvature may jump; infinite for a
  /// smooth loss. Finite differences hold where no output moves as far.
  double (*distance_to_kink)(const Row& y, const Row& t) = smooth;
};

/// Throws std::out_of_range with the name of a loss that the oracle does not have.
inline NaiveLoss naive_loss(const std::string& name) {
  static const std::map<std::string, NaiveLoss> known = {
      // L = (1/m) sum_j (y_j - t_j)^2
      {"mean_squared_error",
       {[](const Row& y, const Row& t) {
          return mean_over(y, t, [](double a, double b) { return (a - b) * (a - b); });
        },
        [](const Row& y, const Row& t) {
          return row_of(y, t, one_in(y), [](double a, double b) { return 2 * (a - b); });
        }}},
      // L = (1/m) sum_j |y_j - t_j|
      {"mean_absolute_error",
       {[](const Row& y, const Row& t) {
          return mean_over(y, t, [](double a, double b) { return std::abs(a - b); });
        },
        [](const Row& y, const Row& t) {
          return row_of(y, t, one_in(y), [](double a, double b) { return a > b ? 1.0 : -1.0; });
        },
        [](const Row& y, const Row& t) {
          return std::ranges::min(
              row_of(y, t, 1, [](double a, double b) { return std::abs(a - b); }));
        }}},
      // L = (1/m) sum_j of e^2 / 2 where |e| < 1, |e| - 1/2 beyond, e = y_j - t_j
      {"huber",
       {[](const Row& y, const Row& t) {
          return mean_over(y, t, [](double a, double b) {
            return std::abs(a - b) < 1 ? (a - b) * (a - b) / 2 : std::abs(a - b) - 0.5;
          });
        },
        [](const Row& y, const Row& t) {
          return row_of(y, t, one_in(y),
                        [](double a, double b) { return std::clamp(a - b, -1.0, 1.0); });
        },
        [](const Row& y, const Row& t) {
          return std::ranges::min(
              row_of(y, t, 1, [](double a, double b) { return std::abs(std::abs(a - b) - 1); }));
        }}},
      // L = -sum_j t_j ln p_j, p = softmax(y)
      {"cross_entropy",
       {[](const Row& y, const Row& t) {
          return sum_over(softmax(y), t, [](double p, double b) { return -b * std::log(p); });
        },
        [](const Row& y, const Row& t) {
          return row_of(softmax(y), t, 1, [](double p, double b) { return p - b; });
        }}},
      // L = -sum_j [t_j ln s_j + (1 - t_j) ln(1 - s_j)], s = 1 / (1 + e^-y)
      {"binary_cross_entropy",
       {[](const Row& y, const Row& t) {
          return sum_over(y, t, [](double a, double b) {
            return -b * std::log(logistic(a)) - (1 - b) * std::log(logistic(-a));
          });
        },
        [](const Row& y, const Row& t) {
          return row_of(y, t, 1, [](double a, double b) { return logistic(a) - b; });
        }}},
      // L = sum over j != t of max(0, 1 + y_j - y_t)
      {"hinge",
       {[](const Row& y, const Row& t) {
          const std::size_t label = label_of(t);
          double sum = -1;  // what j = t adds
          for (const double output : y) sum += std::max(0.0, 1 + output - y[label]);
          return sum;
        },
        [](const Row& y, const Row& t) {
          const std::size_t label = label_of(t);
          Row slope(y.size());
          for (std::size_t j = 0; j < y.size(); ++j) {
            if (j == label || 1 + y[j] - y[label] < 0) continue;
            slope[j] = 1;
            slope[label] -= 1;
          }
          return slope;
        },
        [](const Row& y, const Row& t) {
          const std::size_t label = label_of(t);
          double least = smooth(y, t);
          for (std::size_t j = 0; j < y.size(); ++j) {
            if (j != label) least = std::min(least, std::abs(1 + y[j] - y[label]) / 2);
          }
          return least;
        }}},
      // L = sum_j e^(y_j) - t_j y_j
      {"poisson",
       {[](const Row& y, const Row& t) {
          return sum_over(y, t, [](double a, double b) { return std::exp(a) - b * a; });
        },
        [](const Row& y, const Row& t) {
          return row_of(y, t, 1, [](double a, double b) { return std::exp(a) - b; });
        }}},
  };
  const auto found = known.find(name);
  if (found == known.end()) {
    throw std::out_of_range("tests/oracle/naive_loss.hpp does not have '" + name + "'");
  }
  return found->second;
}

inline bool has_loss(const std::string& name) {
  try {
    naive_loss(name);
    return true;
  } catch (const std::out_of_range&) {
    return false;
  }
}

}  // namespace plumbline::oracle
